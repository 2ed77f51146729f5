//! The TLS configuration, with the certificates to trust.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use std::{fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::{self, Error};
use crate::machine::env::Env;
use crate::text;

/// Where systems keep their CA bundle.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates to trust.
pub struct Trusted {
    pub config: TlsConfig,
    /// How many certificates, and from where.
    pub description: String,
}

impl Trusted {
    fn new(roots: RootCerts, description: String) -> Self {
        let provider = CryptoProvider { key_provider: &NoClientKeys, ..ring::default_provider() };
        let builder = TlsConfig::builder().root_certs(roots);
        let config = builder.unversioned_rustls_crypto_provider(Arc::new(provider)).build();
        Trusted { config, description }
    }

    /// Trusts each of these certificates. `source` is where they come from.
    fn certificates(mut certificates: Vec<Certificate<'static>>, source: &str) -> Self {
        certificates.sort_unstable_by(|one, other| one.der().cmp(other.der()));
        certificates.dedup_by(|one, other| one.der() == other.der());
        let description = format!("{} from {source}", certificates.len());
        Trusted::new(RootCerts::Specific(Arc::new(certificates)), description)
    }
}

/// On 32-bit musl, std aborts the process when rustls asks for a time of 2038 or later.
pub const IS_CLOCK_LIMITED: bool = cfg!(all(target_env = "musl", target_pointer_width = "32"));

/// Rejects a clock at which a TLS handshake would abort the process.
pub fn check_clock(utc: SystemTime, is_limited: bool) -> Result<(), Error> {
    let seconds = text::unix_seconds(utc);
    if !is_limited || i32::try_from(seconds).is_ok() {
        return Ok(());
    }
    let clock = text::date_and_time(seconds);
    Err(Error::temporary(
        format!("this machine's clock reads {clock}, but TLS needs a date before 2038"),
        "Set the clock, then try again.",
    ))
}

/// Trusts what [`variables`] name, else the system's CA bundle, else the built-in Mozilla roots.
pub fn trusted(env: &Env) -> Result<Trusted, Error> {
    let variables = variables(env);
    if variables.is_empty() {
        return Ok(system_roots(&SYSTEM_BUNDLES));
    }
    let (mut certificates, mut names) = (Vec::new(), Vec::new());
    for (variable, path) in variables {
        let name = format!("{variable} ({})", text::detail(&path.display().to_string()));
        // Only this one is always a file.
        let is_directory = variable != SSL_CERT_FILE && path.is_dir();
        let read = if is_directory { read_directory(&path) } else { read_file(&path) };
        certificates.append(&mut read.map_err(|error| error.describe(&name, &path))?);
        names.push(name);
    }
    Ok(Trusted::certificates(certificates, &names.join(", ")))
}

const SSL_CERT_FILE: &str = "SSL_CERT_FILE";

/// The variables that name certificates to trust, with each path: those of OpenSSL, which add up, else the first of
/// those of the Python rio.
fn variables(env: &Env) -> Vec<(&'static str, PathBuf)> {
    let value = |name| Some((name, env.get(name)?));
    let file = value(SSL_CERT_FILE).map(|(name, path)| (name, PathBuf::from(path)));
    let directories = value("SSL_CERT_DIR").into_iter().flat_map(|(name, list)| {
        let paths = std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
        paths.map(move |path| (name, path)).collect::<Vec<_>>()
    });
    let own: Vec<_> = file.into_iter().chain(directories).collect();
    if !own.is_empty() {
        return own;
    }
    let python = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"].into_iter().find_map(value);
    python.map(|(name, path)| (name, PathBuf::from(path))).into_iter().collect()
}

fn system_roots(bundles: &[&str]) -> Trusted {
    let bundle = bundles.iter().find_map(|path| Some((path, read_file(Path::new(path)).ok()?)));
    match bundle {
        Some((path, certificates)) => Trusted::certificates(certificates, path),
        None => {
            Trusted::new(RootCerts::WebPki, "the built-in Mozilla root certificates".to_owned())
        }
    }
}

/// Why a file or a directory gives no certificates.
enum ReadError {
    Io(io::Error),
    NoCertificates,
    /// It has nothing else than OpenSSL's `TRUSTED CERTIFICATE`, which may mean distrust.
    OnlyTrusted,
}

impl ReadError {
    fn describe(&self, name: &str, path: &Path) -> Error {
        let advice = "Set it to a PEM file with the CA certificates to trust, or unset it.";
        match self {
            ReadError::Io(error) => {
                let problem = text::io_error(error);
                Error::system(error, format!("cannot read {name}: {problem}"), advice)
            }
            ReadError::NoCertificates => {
                Error::failure(format!("cannot read {name}: it contains no certificates"), advice)
            }
            ReadError::OnlyTrusted => {
                let fact = format!(
                    "cannot use {name}: it contains only TRUSTED CERTIFICATE entries, and rio reads only \
                     CERTIFICATE entries"
                );
                let advice = format!(
                    "Convert each of them, and name the new file:\n  openssl x509 -in {} -out ca.pem",
                    text::shell_word(path)
                );
                Error::failure(fact, advice)
            }
        }
    }

    fn may_pass(&self) -> bool {
        matches!(self, ReadError::Io(error) if error::may_pass(error))
    }
}

fn read_file(path: &Path) -> Result<Vec<Certificate<'static>>, ReadError> {
    let (certificates, has_trusted) = parse_pem(fs::read(path).map_err(ReadError::Io)?);
    match certificates.is_empty() {
        true if has_trusted => Err(ReadError::OnlyTrusted),
        true => Err(ReadError::NoCertificates),
        false => Ok(certificates),
    }
}

/// Reads each file once, whatever links to it.
fn read_directory(path: &Path) -> Result<Vec<Certificate<'static>>, ReadError> {
    let entries = fs::read_dir(path).map_err(ReadError::Io)?;
    let files = entries.flatten().filter_map(|entry| fs::canonicalize(entry.path()).ok());
    let files: BTreeSet<PathBuf> = files.filter(|file| file.is_file()).collect();
    let mut certificates = Vec::new();
    for file in &files {
        match read_file(file) {
            Ok(found) => certificates.extend(found),
            Err(error) if error.may_pass() => return Err(error),
            Err(_) => {}
        }
    }
    if certificates.is_empty() { Err(ReadError::NoCertificates) } else { Ok(certificates) }
}

/// The certificates among text and other items (RFC 7468 §5), and whether there is a `TRUSTED CERTIFICATE`. One that
/// is not valid base64 is left out.
///
/// ureq's own parser takes twice as many instructions, which is half of those of a login.
fn parse_pem(mut pem: Vec<u8>) -> (Vec<Certificate<'static>>, bool) {
    if pem.starts_with(b"\xff\xfe") || pem.starts_with(b"\xfe\xff") {
        // UTF-16. Without zeros, it is ASCII.
        pem.retain(|byte| *byte != 0);
    }
    // Comments may be in any encoding.
    let text = String::from_utf8(pem)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let mut has_trusted = false;
    let sections = text.split("-----BEGIN ").skip(1);
    let certificates = sections.filter_map(|section| {
        let (label, rest) = section.split_once("-----")?;
        has_trusted |= label == "TRUSTED CERTIFICATE";
        let (lines, _) = rest.split_once("-----END ")?;
        if !matches!(label, "CERTIFICATE" | "X509 CERTIFICATE") {
            return None;
        }
        let base64 = String::with_capacity(lines.len());
        let base64 = lines.split_ascii_whitespace().fold(base64, |base64, line| base64 + line);
        let der = STANDARD.decode(base64).ok()?;
        Some(Certificate::from_der(&der).to_owned())
    });
    (certificates.collect(), has_trusted)
}

/// rio uses no client certificates, so ring's support for private keys is not linked.
#[derive(Debug)]
struct NoClientKeys;

impl KeyProvider for NoClientKeys {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        Err(rustls::Error::General("client certificates are not supported".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clock_after_2038_is_an_error_only_where_std_aborts() {
        let (last, first) = (0x7fff_ffff, 0x8000_0000);
        for (seconds, is_limited, is_ok) in
            [(last, true, true), (first, true, false), (first, false, true)]
        {
            let utc = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(check_clock(utc, is_limited).is_ok(), is_ok);
        }
    }

    #[test]
    fn system_without_bundle_uses_built_in_roots() {
        let trusted = system_roots(&["/nonexistent/ca.pem", "/dev/null"]);
        assert!(matches!(trusted.config.root_certs(), RootCerts::WebPki));
    }
}
