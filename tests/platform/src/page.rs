//! The web page on which the user approves a device: three screens of plain HTML.

use std::net::IpAddr;

use crate::backend::Backend;
use crate::oidc::{Decision, DeviceAuthorization};
use crate::{Answer, Request, User};

impl Backend {
    pub(crate) fn page(&mut self, request: &Request) -> Answer {
        let (code, decision) = match request.method.as_str() {
            "GET" => (request.param("user_code"), None),
            "POST" => (request.field("user_code"), request.field("decision")),
            _ => {
                return Answer::text(405, "text/plain", "GET or POST").header("Allow", "GET, POST");
            }
        };
        let Some(code) = code else {
            return enter_code(200, "", None);
        };
        let user = self.first_user().clone();
        match (self.pending_grant(&code), decision.as_deref()) {
            (Err(problem), _) => enter_code(400, &code, Some(problem)),
            (Ok(grant), None) => confirm(grant, &user),
            (Ok(grant), Some("approve")) => {
                grant.decision = Decision::Approved;
                screen(
                    200,
                    "Approved",
                    "<p>You can close this page and go back to your device.</p>",
                )
            }
            (Ok(grant), Some(_)) => {
                grant.decision = Decision::Denied;
                screen(200, "Denied", "<p>The login was denied. You can close this page.</p>")
            }
        }
    }

    fn pending_grant(&mut self, typed: &str) -> Result<&mut DeviceAuthorization, &'static str> {
        // Users may add spaces and hyphens, but do not change the case by accident.
        let code = typed.replace(|c: char| c.is_whitespace() || c == '-', "");
        let mut grants = self.grants.iter_mut();
        let grant = grants
            .find(|grant| grant.user_code == code)
            .ok_or("No device shows this code. Check each letter: codes are case-sensitive.")?;
        match grant.decision {
            Decision::Pending if grant.is_expired() => Err(
                "This code has expired. Start the login on your device again, then enter the new code.",
            ),
            Decision::Pending => Ok(grant),
            _ => Err(
                "This code has already been used. Start the login on your device again, then enter the new code.",
            ),
        }
    }
}

fn enter_code(status: u16, typed: &str, problem: Option<&str>) -> Answer {
    let (problem, invalid) = match problem {
        Some(text) => (
            format!(r#"<p class="problem" id="problem" role="alert">{}</p>"#, escape(text)),
            r#" aria-invalid="true" aria-describedby="problem""#,
        ),
        None => (String::new(), ""),
    };
    let body = format!(
        r#"{problem}
<form method="post" action="/device">
<label for="user_code">Code shown on your device</label>
<input id="user_code" name="user_code" value="{typed}" required autofocus{invalid}
 autocapitalize="off" autocomplete="off" autocorrect="off" spellcheck="false">
<button>Continue</button>
</form>"#,
        typed = escape(typed),
    );
    screen(status, "Log in a device", &body)
}

fn confirm(grant: &DeviceAuthorization, user: &User) -> Answer {
    let body = format!(
        r#"<p>A device wants to log in as <strong>{name}</strong> ({email}).</p>
<p class="code">{code}</p>
<p>Approve only if your device shows this code and <strong>you</strong> started the login. Otherwise, someone else
may be trying to use your account.</p>
<dl>
<dt>Client</dt><dd>{client}</dd>
<dt>User agent</dt><dd>{agent}</dd>
<dt>Address</dt><dd>{address}</dd>
<dt>Requested</dt><dd>{ago}</dd>
</dl>
<form method="post" action="/device">
<input type="hidden" name="user_code" value="{code}">
<button name="decision" value="approve">Approve</button>
<button name="decision" value="deny" class="other">Deny</button>
</form>"#,
        name = escape(&user.name),
        email = escape(&user.email),
        code = escape(&grant.user_code),
        client = escape(&grant.client_id),
        agent = escape(&grant.user_agent),
        address = address(grant.peer.ip()),
        ago = ago(grant.requested.elapsed().as_secs()),
    );
    screen(200, "Log in this device?", &body)
}

fn screen(status: u16, title: &str, body: &str) -> Answer {
    let html = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} – fake rapyuta.io</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>A fake rapyuta.io for tests and demos. Nothing here is real.</footer>
</body>
</html>
"#
    );
    Answer::text(status, "text/html; charset=utf-8", html)
        .header("Cache-Control", "no-store")
        // The URL contains the code.
        .header("Referrer-Policy", "no-referrer")
        // Prevents clickjacking.
        .header("Content-Security-Policy", "frame-ancestors 'none'")
}

const STYLE: &str = "
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { max-width: 30rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.2; }
label, dt { font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; min-height: 3.25rem; margin: .5rem 0; font: inherit;
  border: 2px solid #1f5fbf; border-radius: .5rem; }
input, .code { font-family: ui-monospace, monospace; font-size: 1.6rem; letter-spacing: .1em; text-align: center; }
input[type=hidden] { display: none; }
button { background: #1f5fbf; color: #fff; font-weight: 600; cursor: pointer; }
button.other { background: transparent; color: inherit; }
:focus-visible { outline: 3px solid #e08a00; outline-offset: 2px; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.problem { border-left: .4rem solid #c62828; padding-left: .8rem; }
footer { margin-top: 3rem; font-size: .9rem; opacity: .75; }
";

fn address(address: IpAddr) -> String {
    match address.is_loopback() {
        true => format!("{address} (this machine)"),
        false => address.to_string(),
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0 => "just now".into(),
        1 => "1 second ago".into(),
        2..60 => format!("{seconds} seconds ago"),
        60..120 => "1 minute ago".into(),
        _ => format!("{} minutes ago", seconds / 60),
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}
