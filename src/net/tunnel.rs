//! Asks a proxy to connect to a host: CONNECT (RFC 9110 §9.3.6) or SOCKS. The proxy gets the name of the host and
//! resolves it.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::proxy::{Credentials, Protocol, Proxy};

/// Of every request: to a proxy, and to a host.
pub const USER_AGENT: &str = concat!("rio/", env!("CARGO_PKG_VERSION"));
/// In bytes, for a response to CONNECT.
const LONGEST_HEAD: usize = 16 * 1024;

#[derive(Debug)]
pub enum TunnelError {
    /// The proxy requires a user name and a password.
    CredentialsRequired,
    CredentialsRejected,
    /// The proxy offers only these ways to log in.
    UnsupportedScheme(String),
    /// The proxy does not allow the connection, for this reason.
    Forbidden(String),
    /// The proxy cannot reach the host, for this reason.
    Unreachable(String),
    /// The connection to the proxy failed. `InvalidData` means that it is not such a proxy.
    Io(io::Error),
}

impl From<io::Error> for TunnelError {
    fn from(error: io::Error) -> Self {
        TunnelError::Io(error)
    }
}

/// Asks the proxy at the other end of the stream to connect to a host, which may be an IP address, also in brackets.
pub fn open(
    stream: &mut (impl Read + Write),
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let credentials = proxy.credentials();
    match proxy.protocol() {
        Protocol::Http | Protocol::Https => connect(stream, credentials, host, port),
        Protocol::Socks4 => socks4(stream, credentials, host, port),
        Protocol::Socks5 => socks5(stream, credentials, host, port),
    }
}

fn connect(
    stream: &mut (impl Read + Write),
    credentials: Option<&Credentials>,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let mut head = format!(
        "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\n\
         Proxy-Connection: Keep-Alive\r\n"
    );
    if let Some(Credentials { user, password }) = credentials {
        let basic = BASE64_STANDARD.encode([&**user, b":", password].concat());
        let _ = write!(head, "Proxy-Authorization: Basic {basic}\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    let mut response = read_head(stream)?;
    while matches!(response.status, 100..200) {
        response = read_head(stream)?;
    }
    let supports_basic = response.schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
    Err(match response.status {
        200..300 => return Ok(()),
        407 if !supports_basic && !response.schemes.is_empty() => {
            TunnelError::UnsupportedScheme(response.schemes.join(", "))
        }
        407 if credentials.is_some() => TunnelError::CredentialsRejected,
        407 => TunnelError::CredentialsRequired,
        status @ 500.. => TunnelError::Unreachable(format!("status {status}")),
        status => TunnelError::Forbidden(format!("status {status}")),
    })
}

struct Head {
    status: u16,
    /// The names of the authentication schemes that the proxy offers.
    schemes: Vec<String>,
}

/// Reads the head of a response, and nothing after it.
fn read_head(stream: &mut impl Read) -> io::Result<Head> {
    let mut left = LONGEST_HEAD;
    let line = read_line(stream, &mut left)?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1));
    let status = status.and_then(|status| status.parse().ok()).ok_or(ErrorKind::InvalidData)?;
    let mut schemes = Vec::new();
    loop {
        let line = read_line(stream, &mut left)?;
        match line.split_once(':') {
            _ if line.is_empty() => return Ok(Head { status, schemes }),
            Some((name, value)) if name.eq_ignore_ascii_case("proxy-authenticate") => {
                schemes.extend(scheme_names(value));
            }
            _ => {}
        }
    }
}

/// The schemes of challenges (RFC 9110 §11.6.1) such as `Basic realm="a, b", NTLM`.
fn scheme_names(challenges: &str) -> impl Iterator<Item = String> {
    let first_words = challenges.split(',').filter_map(|part| part.split_whitespace().next());
    let is_name =
        |word: &&str| word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    first_words.filter(is_name).map(str::to_owned)
}

/// Reads a line byte by byte, so that nothing after it is lost, without its end. Subtracts its length from `left`.
fn read_line(stream: &mut impl Read, left: &mut usize) -> io::Result<String> {
    let mut line = Vec::new();
    loop {
        let [byte] = read(stream)?;
        *left = left.checked_sub(1).ok_or(ErrorKind::InvalidData)?;
        if byte == b'\n' {
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        line.push(byte);
    }
}

fn read<const LENGTH: usize>(stream: &mut impl Read) -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// SOCKS4a, which is SOCKS4 with the name of the host.
fn socks4(
    stream: &mut (impl Read + Write),
    credentials: Option<&Credentials>,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let user = credentials.map_or(&[][..], |credentials| &credentials.user);
    let mut request = [&[4, 1][..], &port.to_be_bytes()].concat();
    match ip_address(host) {
        Some(IpAddr::V4(address)) => {
            request.extend([&address.octets(), user, b"\0"].concat());
        }
        // An address 0.0.0.x means that a name follows.
        _ => request.extend([&[0, 0, 0, 1][..], user, b"\0", bare(host), b"\0"].concat()),
    }
    stream.write_all(&request)?;
    let [version, code, ..] = read::<8>(stream)?;
    Err(match (version, code) {
        (0, 90) => return Ok(()),
        (0, 91) => TunnelError::Unreachable("request rejected or failed".to_owned()),
        (0, 92 | 93) => TunnelError::CredentialsRejected,
        _ => io::Error::from(ErrorKind::InvalidData).into(),
    })
}

/// SOCKS5 (RFC 1928).
fn socks5(
    stream: &mut (impl Read + Write),
    credentials: Option<&Credentials>,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    const NO_LOGIN: u8 = 0;
    const PASSWORD: u8 = 2;
    const NONE_ACCEPTABLE: u8 = 0xff;
    stream.write_all(match credentials {
        Some(_) => &[5, 2, NO_LOGIN, PASSWORD],
        None => &[5, 1, NO_LOGIN],
    })?;
    match (read(stream)?, credentials) {
        ([5, NO_LOGIN], _) => {}
        ([5, PASSWORD], Some(credentials)) => socks5_log_in(stream, credentials)?,
        ([5, PASSWORD | NONE_ACCEPTABLE], None) => return Err(TunnelError::CredentialsRequired),
        ([5, NONE_ACCEPTABLE], Some(_)) => {
            return Err(TunnelError::UnsupportedScheme("other SOCKS methods".to_owned()));
        }
        _ => return Err(io::Error::from(ErrorKind::InvalidData).into()),
    }
    let mut request = vec![5, 1, 0];
    match ip_address(host) {
        Some(IpAddr::V4(address)) => request.extend([&[1][..], &address.octets()].concat()),
        Some(IpAddr::V6(address)) => request.extend([&[4][..], &address.octets()].concat()),
        None => request.extend([&[3], &*with_length(host.as_bytes())?].concat()),
    }
    request.extend(port.to_be_bytes());
    stream.write_all(&request)?;
    let [version, reply, _, address_type] = read(stream)?;
    match (version, reply) {
        (5, 0) => {}
        (5, reply) => return Err(socks5_error(reply)),
        _ => return Err(io::Error::from(ErrorKind::InvalidData).into()),
    }
    // The address that the proxy uses: rio does not need it.
    let [length] = match address_type {
        1 => [4],
        3 => read(stream)?,
        4 => [16],
        _ => return Err(io::Error::from(ErrorKind::InvalidData).into()),
    };
    for _ in 0..length {
        read::<1>(stream)?;
    }
    read::<2>(stream)?;
    Ok(())
}

/// Username/Password Authentication for SOCKS V5 (RFC 1929).
fn socks5_log_in(
    stream: &mut (impl Read + Write),
    credentials: &Credentials,
) -> Result<(), TunnelError> {
    let user = with_length(&credentials.user).map_err(|_| TunnelError::CredentialsRejected)?;
    let password =
        with_length(&credentials.password).map_err(|_| TunnelError::CredentialsRejected)?;
    stream.write_all(&[&[1], &*user, &password].concat())?;
    match read(stream)? {
        [_, 0] => Ok(()),
        _ => Err(TunnelError::CredentialsRejected),
    }
}

fn socks5_error(reply: u8) -> TunnelError {
    let reason = match reply {
        2 => return TunnelError::Forbidden("its rules do not allow it".to_owned()),
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "general failure",
    };
    TunnelError::Unreachable(reason.to_owned())
}

/// The bytes after their number, which is at most 255.
fn with_length(bytes: &[u8]) -> Result<Vec<u8>, TunnelError> {
    let length = u8::try_from(bytes.len())
        .map_err(|_| TunnelError::Unreachable("the name of the host is too long".to_owned()))?;
    Ok([&[length], bytes].concat())
}

fn ip_address(host: &str) -> Option<IpAddr> {
    std::str::from_utf8(bare(host)).ok()?.parse().ok()
}

/// The host without brackets.
fn bare(host: &str) -> &[u8] {
    host.trim_matches(['[', ']']).as_bytes()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    /// What the proxy sends, and what it got.
    struct Stream<'a> {
        input: &'a [u8],
        output: Vec<u8>,
    }

    impl Read for Stream<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.input.read(buffer)
        }
    }

    impl Write for Stream<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.output.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The result with a proxy that sends this, what it got, and what is left to read.
    fn open_with<'a>(
        proxy: &str,
        host: &str,
        input: &'a [u8],
    ) -> (Result<(), TunnelError>, Vec<u8>, &'a [u8]) {
        let proxy = Proxy::parse("ALL_PROXY", OsStr::new(proxy)).unwrap();
        let mut stream = Stream { input, output: Vec::new() };
        let result = open(&mut stream, &proxy, host, 443);
        (result, stream.output, stream.input)
    }

    /// The result as text.
    fn result_with(proxy: &str, input: &[u8]) -> String {
        match open_with(proxy, "a.example", input).0 {
            Ok(()) => "connected".to_owned(),
            Err(TunnelError::Io(error)) => format!("{:?}", error.kind()),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn connect_sends_the_name_and_the_credentials() {
        let response = b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nnext";
        for (proxy, credentials) in [
            ("http://p", ""),
            (r"http://D\ada:pw@p", "Proxy-Authorization: Basic RFxhZGE6cHc=\r\n"),
        ] {
            let (result, output, rest) = open_with(proxy, "a.example", response);
            result.unwrap();
            assert_eq!(rest, b"next");
            let head = String::from_utf8(output).unwrap();
            assert!(head.starts_with("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n"));
            assert!(head.ends_with(&format!("Keep-Alive\r\n{credentials}\r\n")), "{head}");
        }
    }

    #[test]
    fn response_to_connect_decides() {
        const NTLM: &[u8] = b"HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate, NTLM abc==\r\n\r\n";
        const BOTH: &[u8] = b"HTTP/1.1 407 x\r\nproxy-authenticate: NTLM\r\n\
            Proxy-Authenticate: Digest realm=\"a, b\", nonce=\"c\", BASIC realm=\"d\"\r\n\r\n";
        let (with, without) = ("http://ada:pw@p", "http://p");
        for (proxy, response, result) in [
            (without, &b"HTTP/1.1 200 OK\r\n\r\n"[..], "connected"),
            (without, b"HTTP/1.0 200\n\n", "connected"),
            (without, b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\n", "connected"),
            (without, b"HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "connected"),
            (without, b"HTTP/1.1 407 x\r\n\r\n", "CredentialsRequired"),
            (with, b"HTTP/1.1 407 x\r\n\r\n", "CredentialsRejected"),
            (with, NTLM, r#"UnsupportedScheme("Negotiate, NTLM")"#),
            (without, NTLM, r#"UnsupportedScheme("Negotiate, NTLM")"#),
            (without, BOTH, "CredentialsRequired"),
            (with, b"HTTP/1.1 403 x\r\n\r\n", r#"Forbidden("status 403")"#),
            (with, b"HTTP/1.1 302 x\r\n\r\n", r#"Forbidden("status 302")"#),
            (with, b"HTTP/1.1 503 x\r\n\r\n", r#"Unreachable("status 503")"#),
            (with, b"HTTP/2 200\r\n\r\n", "InvalidData"),
            (with, b"SSH-2.0-OpenSSH_9.6\r\n", "InvalidData"),
            (with, b"HTTP/1.1 200 OK\r\nVia", "UnexpectedEof"),
            (with, &[b'H'; 64 * 1024], "InvalidData"),
        ] {
            let shown = String::from_utf8_lossy(response);
            assert_eq!(result_with(proxy, response), result, "{proxy}: {shown:.90}");
        }
    }

    #[test]
    fn socks5_sends_the_name_or_the_address() {
        for (host, sent) in [
            ("a.example", &b"\x03\x09a.example"[..]),
            ("192.0.2.1", b"\x01\xc0\x00\x02\x01"),
            ("[::1]", b"\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"),
        ] {
            for scheme in ["socks5", "socks5h", "socks"] {
                let reply = b"\x05\0\x05\0\0\x03\x01x\0\0next";
                let (result, output, rest) = open_with(&format!("{scheme}://p"), host, reply);
                result.unwrap();
                assert_eq!(rest, b"next");
                let expected = [&b"\x05\x01\0\x05\x01\0"[..], sent, b"\x01\xbb"].concat();
                assert_eq!(output, expected, "{host}");
            }
        }
    }

    #[test]
    fn socks5_logs_in_if_asked() {
        let proxy = "socks5://ada:pw@p";
        let reply = b"\x05\x02\x01\0\x05\0\0\x01\0\0\0\0\0\0";
        let (result, output, _) = open_with(proxy, "a.example", reply);
        result.unwrap();
        assert!(output.starts_with(b"\x05\x02\0\x02\x01\x03ada\x02pw\x05\x01"), "{output:?}");
        assert_eq!(result_with(proxy, b"\x05\0\x05\0\0\x01\0\0\0\0\0\0"), "connected");
    }

    #[test]
    fn socks_reply_decides() {
        let (five, with, four) = ("socks5h://p", "socks5h://ada:pw@p", "socks4a://p");
        let long = format!("socks5h://{}:pw@p", "a".repeat(256));
        for (proxy, reply, result) in [
            (five, &b"\x05\xff"[..], "CredentialsRequired"),
            (five, b"\x05\x02", "CredentialsRequired"),
            (with, b"\x05\xff", r#"UnsupportedScheme("other SOCKS methods")"#),
            (with, b"\x05\x02\x01\x01", "CredentialsRejected"),
            (&long, b"\x05\x02", "CredentialsRejected"),
            (five, b"\x05\0\x05\x02\0\x01", r#"Forbidden("its rules do not allow it")"#),
            (five, b"\x05\0\x05\x04\0\x01", r#"Unreachable("host unreachable")"#),
            (five, b"\x05\0\x05\x05\0\x01", r#"Unreachable("connection refused")"#),
            (five, b"\x05\0\x05\x63\0\x01", r#"Unreachable("general failure")"#),
            (five, b"HTTP/1.1 400 Bad Request\r\n", "InvalidData"),
            (five, b"\x05", "UnexpectedEof"),
            (five, b"\x05\0\x05\0\0\x07", "InvalidData"),
            (four, b"\0\x5a\0\0\0\0\0\0", "connected"),
            (four, b"\0\x5b\0\0\0\0\0\0", r#"Unreachable("request rejected or failed")"#),
            (four, b"\0\x5d\0\0\0\0\0\0", "CredentialsRejected"),
            (four, b"\x05\xff\0\0\0\0\0\0", "InvalidData"),
        ] {
            assert_eq!(result_with(proxy, reply), result, "{proxy}: {reply:?}");
        }
    }

    #[test]
    fn socks4a_sends_the_name_or_the_address() {
        for (host, sent) in [
            ("a.example", &b"\0\0\0\x01ada\0a.example\0"[..]),
            ("192.0.2.1", b"\xc0\0\x02\x01ada\0"),
            ("[::1]", b"\0\0\0\x01ada\0::1\0"),
        ] {
            for scheme in ["socks4", "socks4a"] {
                let proxy = format!("{scheme}://ada@p");
                let (result, output, _) = open_with(&proxy, host, b"\0\x5a\0\0\0\0\0\0");
                result.unwrap();
                assert_eq!(output, [&b"\x04\x01\x01\xbb"[..], sent].concat(), "{host}");
            }
        }
    }
}
