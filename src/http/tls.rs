//! The TLS configuration, with the certificates to trust.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::{CryptoProvider, KeyProvider, ring};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::Error;
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

/// Trusts `SSL_CERT_FILE`, else the system's CA bundle, else the built-in Mozilla roots.
pub fn trusted(env: &Env) -> Result<Trusted, Error> {
    let Some(path) = env.get("SSL_CERT_FILE").map(Path::new) else {
        return Ok(system_roots(&SYSTEM_BUNDLES));
    };
    let name = format!("SSL_CERT_FILE ({})", path.display());
    read_bundle(path, &name).map_err(|problem| {
        Error::failure(
            format!("cannot read {name}: {problem}"),
            "Set it to a PEM file with the CA certificates to trust, or unset it.",
        )
    })
}

fn system_roots(bundles: &[&str]) -> Trusted {
    let bundle = bundles.iter().find_map(|path| read_bundle(Path::new(path), path).ok());
    bundle.unwrap_or_else(|| {
        Trusted::new(RootCerts::WebPki, "the built-in Mozilla root certificates".to_owned())
    })
}

/// Reads the certificates of a PEM file, and ignores its other items. `name` is what the description calls
/// the file. The error says what is wrong with it.
fn read_bundle(path: &Path, name: &str) -> Result<Trusted, String> {
    let pem = std::fs::read(path).map_err(|error| text::io_error(&error))?;
    let certificates = parse_pem(pem);
    if certificates.is_empty() {
        return Err("the file contains no certificates".to_owned());
    }
    let description = format!("{} from {name}", certificates.len());
    Ok(Trusted::new(RootCerts::Specific(Arc::new(certificates)), description))
}

/// The certificates among text and other items (RFC 7468 §5). One that is not valid base64 is left out.
///
/// ureq's own parser takes twice as many instructions, which is half of those of a login.
fn parse_pem(pem: Vec<u8>) -> Vec<Certificate<'static>> {
    // Comments may be in any encoding.
    let text = String::from_utf8(pem)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    let sections = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let certificates = sections.filter_map(|section| {
        let (lines, _) = section.split_once("-----END CERTIFICATE-----")?;
        let base64: String = lines.split_ascii_whitespace().collect();
        let der = STANDARD.decode(base64).ok()?;
        Some(Certificate::from_der(&der).to_owned())
    });
    certificates.collect()
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
