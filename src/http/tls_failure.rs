//! What a TLS error means, for the user.

use std::time::SystemTime;

use rustls::{AlertDescription as Alert, CertificateError, PeerIncompatible};

use crate::text;

/// For image builders too: src/dist/images-and-fleets.md repeats it.
const SUPPORTED_ALGORITHMS: &str = "ECDSA with P-256 or P-384 and SHA-256 or SHA-384, RSA of at least 2,048 bits with SHA-256, \
     SHA-384 or SHA-512, or Ed25519";

/// What is wrong, as the end of a sentence, and the advice.
pub type Description = (String, String);

pub fn describe(error: &rustls::Error, utc: SystemTime) -> Description {
    match error {
        rustls::Error::InvalidCertificate(error) => describe_certificate(error, utc),
        rustls::Error::AlertReceived(Alert::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => handshake_failed(
            "it supports only old versions of TLS",
            "rio needs TLS 1.2 or 1.3. Ask the administrator of the server to enable one of them.",
        ),
        rustls::Error::AlertReceived(alert) if is_about_client_certificate(*alert) => {
            handshake_failed(
                "the server asks for a client certificate",
                "rio has no client certificate. Ask the administrator of the server to let this machine connect without one.",
            )
        }
        rustls::Error::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity)
        | rustls::Error::PeerIncompatible(_) => handshake_failed(
            "the server and rio have too little in common",
            "Possible causes: the server has no cipher suite that rio has (AES-GCM or ChaCha20-Poly1305 with \
             ECDHE); its key is of a type that rio does not support (supported: RSA, ECDSA P-256 and P-384, \
             Ed25519); it asks for a client certificate, which rio does not have.",
        ),
        rustls::Error::AlertReceived(Alert::UnrecognisedName) => {
            handshake_failed("the server does not know this host name", INTERCEPTED)
        }
        rustls::Error::InvalidMessage(_) => {
            handshake_failed("it did not answer with TLS", INTERCEPTED)
        }
        rustls::Error::AlertReceived(alert) => {
            handshake_failed(&format!("the server reported {alert:?}"), INTERCEPTED)
        }
        _ => ("the TLS handshake failed".to_owned(), INTERCEPTED.to_owned()),
    }
}

/// Whether an alert of the server says that it did not accept the handshake, so that it has read no request. In TLS
/// 1.3, it may arrive after the request was sent.
pub fn is_refused_handshake(error: &rustls::Error) -> bool {
    match error {
        rustls::Error::AlertReceived(alert) => {
            is_about_client_certificate(*alert)
                || matches!(
                    alert,
                    Alert::HandshakeFailure
                        | Alert::InsufficientSecurity
                        | Alert::ProtocolVersion
                        | Alert::UnrecognisedName
                        | Alert::DecryptError
                        | Alert::MissingExtension
                )
        }
        _ => false,
    }
}

/// With TLS 1.2, many servers send a general alert in place of `CertificateRequired`.
fn is_about_client_certificate(alert: Alert) -> bool {
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}

fn handshake_failed(problem: &str, advice: &str) -> Description {
    (format!("the TLS handshake failed: {problem}"), advice.to_owned())
}

fn describe_certificate(error: &CertificateError, utc: SystemTime) -> Description {
    use CertificateError as C;
    let clock = text::date_and_time(text::unix_seconds(utc));
    let (problem, advice) = match error {
        C::Expired | C::ExpiredContext { .. } => (
            format!("its certificate has expired, by this machine's clock ({clock})"),
            "Set the clock if it is wrong. If it is right, ask the administrator of the server for a new certificate.".to_owned(),
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => (
            format!("its certificate is not valid yet, by this machine's clock ({clock})"),
            "Set the clock, then try again.".to_owned(),
        ),
        // The signature is bad if the issuer has the name of a trusted authority, but another key.
        C::UnknownIssuer | C::BadSignature => (
            "its certificate is not from an authority that this machine trusts".to_owned(),
            "If the server or a proxy has a private CA, name its file in SSL_CERT_FILE. If not, this may be an \
             attack: ask your administrator."
                .to_owned(),
        ),
        // A self-signed certificate is usually a CA certificate, which webpki rejects even if it is trusted.
        C::Other(error) if webpki_error(error) == Some(&webpki::Error::CaUsedAsEndEntity) => (
            "its certificate is self-signed, so this machine does not trust it".to_owned(),
            "A captive portal or a proxy may be in the way: ask your network administrator. If it is your own \
             server, issue its certificate from a CA, and name the CA file in SSL_CERT_FILE."
                .to_owned(),
        ),
        C::Other(error) if webpki_error(error) == Some(&webpki::Error::UnsupportedCertVersion) => (
            "its certificate is X.509 version 1, which has no subjectAltName".to_owned(),
            WITHOUT_NAME.to_owned(),
        ),
        C::NotValidForNameContext { presented, .. } if presented.is_empty() => (
            "its certificate has no subjectAltName, and the common name does not count".to_owned(),
            WITHOUT_NAME.to_owned(),
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => (
            "its certificate is for another host".to_owned(),
            "A captive portal or a proxy may be in the way: ask your network administrator. If you set the host, \
             check its name."
                .to_owned(),
        ),
        C::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
            unsupported(&algorithm(signature_algorithm_id))
        }
        C::UnsupportedSignatureAlgorithmForPublicKeyContext {
            public_key_algorithm_id, ..
        } => unsupported(&algorithm(public_key_algorithm_id)),
        C::Other(error) => (
            match webpki_error(error) {
                Some(error) => format!("its certificate is not valid ({error:?})"),
                None => "its certificate is not valid".to_owned(),
            },
            FIX.to_owned(),
        ),
        _ => ("its certificate is not valid".to_owned(), FIX.to_owned()),
    };
    (problem, advice)
}

/// The default hosts are right, so first of all something is in the way.
const INTERCEPTED: &str = "Check whether a proxy or a captive portal is in the way and, if you set the host, \
                           its name and port.";

const FIX: &str = "Ask the administrator of the server to replace its certificate.";

const WITHOUT_NAME: &str =
    "Ask the administrator of the server for a certificate with the host name as subjectAltName.";

fn unsupported(algorithm: &str) -> Description {
    (
        format!("its certificate, or that of its CA, uses {algorithm}, which rio does not support"),
        format!(
            "Ask the administrator of the server for certificates with {SUPPORTED_ALGORITHMS}."
        ),
    )
}

fn webpki_error(error: &rustls::OtherError) -> Option<&webpki::Error> {
    error.0.downcast_ref()
}

/// The name of an AlgorithmIdentifier (RFC 5280 §4.1.1.2), or its object identifier. For an elliptic curve key,
/// that of the curve.
fn algorithm(id: &[u8]) -> String {
    const EC_PUBLIC_KEY: &[u8] = &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    let id = id.strip_prefix(EC_PUBLIC_KEY).unwrap_or(id);
    let oid = match id {
        [6, length, rest @ ..] => rest.get(..usize::from(*length)).unwrap_or(rest),
        other => other,
    };
    let name = match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => "ECDSA with SHA-1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1] => "ECDSA with SHA-224",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => "ECDSA with SHA-512",
        [0x2b, 0x81, 4, 0, 0x23] => "an ECDSA key on P-521",
        [0x2b, 0x81, 4, 0, 0x0a] => "an ECDSA key on secp256k1",
        [0x2b, 0x24, 3, 3, 2, 8, 1, 1, _] => "an ECDSA key on a Brainpool curve",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4] => "RSA with MD5",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5] => "RSA with SHA-1",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14] => "RSA with SHA-224",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10] => "RSA-PSS with other parameters",
        [0x2b, 0x65, 0x71] => "Ed448",
        _ => return format!("the algorithm {}", dotted(oid)),
    };
    name.to_owned()
}

/// An object identifier as text: `1.2.840.10045.4.3.4`.
fn dotted(oid: &[u8]) -> String {
    let Some((first, rest)) = oid.split_first() else { return "without a name".to_owned() };
    let mut text =
        format!("{}.{}", (first / 40).min(2), first.saturating_sub((first / 40).min(2) * 40));
    let mut number: u64 = 0;
    for byte in rest {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            text.push_str(&format!(".{number}"));
            number = 0;
        }
    }
    text
}
