//! Whose certificates are trusted: `SSL_CERT_FILE`, the system's bundle, or the roots in the program.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::env::Env;
use crate::error::Error;

/// Where systems keep their bundle.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates to trust.
pub fn roots(env: &Env) -> Result<RootCerts, Error> {
    if let Some(path) = env.get("SSL_CERT_FILE") {
        let path = Path::new(path);
        return read_bundle(path).map_err(|what| {
            Error::refused(
                format!("SSL_CERT_FILE names {}, which {what}", path.display()),
                "Name a PEM file with the certificates to trust, or unset SSL_CERT_FILE.",
            )
        });
    }
    Ok(system_roots(&BUNDLES))
}

fn system_roots(bundles: &[&str]) -> RootCerts {
    let system = bundles.iter().find_map(|path| read_bundle(Path::new(path)).ok());
    system.unwrap_or(RootCerts::WebPki)
}

/// The certificates of a PEM file, or what is wrong with it.
fn read_bundle(path: &Path) -> Result<RootCerts, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    Ok(RootCerts::from(certificates))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_a_bundle_has_the_embedded_roots() {
        assert!(matches!(system_roots(&["/nonexistent/ca.pem", "/dev/null"]), RootCerts::WebPki));
    }
}
