//! What a server, or what stands before it, can do to each call, and what the program makes of it.
//!
//! A case is one answer to one call, and the whole outcome: exit code, what is said, what is in the config
//! file afterwards, how long was waited, how often was asked. What holds for every case is asserted in
//! `Case::run`. A group runs to its end before it fails, so that one mistake shows all that it breaks.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, World};
use serde_json::{Value, json};

use crate::network::gzip_bomb;
use crate::robot::{FakeClock, Outcome, Robot};

const MIB: usize = 1024 * 1024;
const DEVICE_CODE: &str = "d3vice-c0de-that-nobody-sees";
const ACCESS_TOKEN: &str = "acc3ss-t0ken-that-nobody-sees";
const USER_CODE: &str = "wDjB-mJhT";

/// ESC, BEL, C1, a bidirectional override and isolate, NUL, DEL, and a line that pretends to be ours.
const HOSTILE: &str = "ab\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\u{202e}\u{2066}\u{0}\u{7f}\r\nFORGED";
/// The same as it may be shown.
const TAMED: &str = "ab[2J]0;x31m  FORGED";

/// Milliseconds between the three tries of a GET.
const RETRIED: [u128; 2] = [500, 1000];
/// A poll after the interval of 5 seconds, and a little over.
const POLL: u128 = 5050;
/// A poll after trouble.
const LATER: u128 = 10_050;

const SENSELESS: &str = "something else than was asked for (status 200)";
const LARGE: &str = "more than 1 MiB (status 200)";
const CUT: &str = "a message that breaks off (status 200)";
const PAGE: &str = "a web page (status 200)";
const REDIRECT: &str = "a redirect, which is never followed";
const PORTAL: &str = "a captive portal or a proxy may be in the way";
const NO_HTTP: &str = "did not answer in HTTP";
const CLOSED: &str = "closed the connection";
const OWN_TROUBLE: &str = "The server has trouble of its own: try again later.";

/// A value that takes the member away.
const GONE: &str = "(gone)";

/// What an answer is made for.
struct Scene {
    platform: Platform,
    /// The token that a login is to end with; the platform knows it.
    token: String,
    /// The token of the login before.
    old_token: String,
    /// Another host, which nobody is to call.
    elsewhere: TcpListener,
}

impl Scene {
    fn new() -> Self {
        let platform = Platform::with(World::of([Organization::new("Acme", ["fleet"])]));
        let (token, old_token) = (platform.issue_token(), platform.issue_token());
        let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        Scene { platform, token, old_token, elsewhere }
    }

    fn host(&self) -> &str {
        self.platform.url().trim_start_matches("http://")
    }

    fn elsewhere(&self) -> String {
        format!("http://{}", self.elsewhere.local_addr().unwrap())
    }

    /// The body that the call is made for.
    fn good(&self, call: Call) -> Value {
        let url = self.platform.url();
        match call {
            Call::Discovery => json!({
                "issuer": url,
                "device_authorization_endpoint": format!("{url}/oauth2/device/auth"),
                "token_endpoint": format!("{url}/oauth2/token"),
            }),
            Call::DeviceAuthorization => json!({
                "device_code": DEVICE_CODE,
                "user_code": USER_CODE,
                "verification_uri": format!("{url}/device"),
                "verification_uri_complete": format!("{url}/device?user_code={USER_CODE}"),
                "expires_in": 600,
                "interval": 5,
            }),
            Call::Token => self.tokens(&jwt(GOOD_HEADER, &render(&self.claims()))),
            Call::UserLogin => json!({"data": {"token": self.token}}),
            Call::RefreshToken => json!({"data": {"Token": self.token}}),
            Call::UserInfo => json!({"data": {"email": EMAIL}}),
            Call::UserLogout => json!({"data": {}}),
            Call::UsersMe => json!({"spec": {
                "emailID": EMAIL,
                "organizations": [{"guid": "org-acme", "name": "Acme", "shortGUID": "acmez"}],
            }}),
            Call::Projects => json!({
                "metadata": {"continue": 1},
                "items": [{"metadata": {"guid": "project-acmefleet", "name": "fleet"}}],
            }),
        }
    }

    fn claims(&self) -> Value {
        let mut claims = self.platform.claims();
        claims["rio_token"] = self.token.clone().into();
        claims
    }

    fn tokens(&self, id_token: &str) -> Value {
        json!({"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 3600,
               "id_token": id_token})
    }
}

const GOOD_HEADER: &str = r#"{"alg":"RS256","typ":"JWT"}"#;

/// A JWT of these very texts.
fn jwt(header: &str, claims: &str) -> String {
    let encode = |text| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
}

/// A value that is written into the JSON as it stands: for what `Value` cannot hold.
fn verbatim(text: &str) -> Value {
    format!("@{text}@").into()
}

/// The JSON, `verbatim` values and all.
fn render(value: &Value) -> String {
    value.to_string().replace("\"@", "").replace("@\"", "")
}

/// Puts a value at a JSON pointer, whose parent is there; `GONE` takes away what is there.
fn put(object: &mut Value, pointer: &str, value: Value) {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[member.parse::<usize>().unwrap()] = value,
        Value::Object(members) if value == GONE => drop(members.remove(member).unwrap()),
        Value::Object(members) => drop(members.insert(member.to_owned(), value)),
        other => panic!("{other} has no members"),
    }
}

// Cases

/// How a case ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Exit 0, and the config file holds what the command is for.
    Done,
    /// This exit code, and the config file is byte-identical.
    Unchanged(i32),
    /// This exit code, and the config file holds the login, but nothing was selected.
    LoginStands(i32),
}

type Make = Box<dyn Fn(&Scene) -> Answer>;

struct Case {
    name: String,
    call: Call,
    script: Vec<Make>,
    arguments: &'static [&'static str],
    end: End,
    says: Vec<String>,
    hides: Vec<String>,
    waits: Option<Vec<u128>>,
    /// Members of the config file that differ from what they are otherwise; null for none.
    stores: Vec<(&'static str, Value)>,
}

/// A call is answered so, and all is well.
fn answered(call: Call, name: &str, answer: impl Fn(&Scene) -> Answer + 'static) -> Case {
    let arguments: &[_] = match call {
        Call::Discovery | Call::DeviceAuthorization | Call::Token => &["auth", "login", "--yes"],
        Call::RefreshToken => &["auth", "refresh-token", "--silent"],
        Call::UserInfo => &["auth", "login", "--yes", "--auth-token", "-"],
        Call::UserLogout => &["auth", "logout"],
        Call::UserLogin | Call::UsersMe | Call::Projects => {
            &["auth", "login", "--yes", "--email", EMAIL, "--password", "-"]
        }
    };
    Case {
        name: format!("{call:?}: {name}"),
        call,
        script: vec![Box::new(answer)],
        arguments,
        end: End::Done,
        says: Vec::new(),
        hides: Vec::new(),
        waits: None,
        stores: Vec::new(),
    }
}

/// The good answer, but for one member.
fn changed(call: Call, name: &str, pointer: &'static str, value: Value) -> Case {
    answered(call, name, move |scene| {
        let mut body = scene.good(call);
        put(&mut body, pointer, value.clone());
        Answer::text(200, "application/json", render(&body))
    })
}

/// The text of the good answer, edited.
fn edited(call: Call, name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    answered(call, name, move |scene| {
        Answer::text(200, "application/json", edit(scene.good(call).to_string()))
    })
}

/// The bytes of an answer to a call, of its good body, and the connection's end.
fn raw(call: Call, name: &str, bytes: impl Fn(String) -> Vec<u8> + 'static) -> Case {
    answered(call, name, move |scene| Answer::raw(bytes(scene.good(call).to_string())))
}

/// Each row is one member that makes the call fail.
fn rows<const N: usize>(
    call: Call,
    end: End,
    rows: [(&'static str, &'static str, Value, &'static str); N],
) -> impl Iterator<Item = Case> {
    rows.into_iter().map(move |(name, pointer, value, says)| {
        Case { end, ..changed(call, name, pointer, value) }.says(says)
    })
}

impl Case {
    /// The same answer so often.
    fn times(mut self, times: usize) -> Self {
        let answer: Rc<Make> = Rc::new(self.script.pop().unwrap());
        for _ in 0..times {
            let answer = answer.clone();
            self.script.push(Box::new(move |scene| answer(scene)));
        }
        self
    }

    /// The next time this.
    fn then(mut self, answer: impl Fn(&Scene) -> Answer + 'static) -> Self {
        self.script.push(Box::new(answer));
        self
    }

    /// The next time what the call is made for.
    fn then_good(self) -> Self {
        let call = self.call;
        self.then(move |scene| Answer::json(200, scene.good(call)))
    }

    fn fails(self, exit: i32, says: &str) -> Self {
        Case { end: End::Unchanged(exit), ..self }.says(says)
    }

    fn login_stands(self, exit: i32, says: &str) -> Self {
        Case { end: End::LoginStands(exit), ..self }.says(says)
    }

    fn says(mut self, text: &str) -> Self {
        self.says.push(text.to_owned());
        self
    }

    fn hides(mut self, text: &str) -> Self {
        self.hides.push(text.to_owned());
        self
    }

    fn waits(self, milliseconds: &[u128]) -> Self {
        Case { waits: Some(milliseconds.to_vec()), ..self }
    }

    /// All that a GET is worth: three tries, and this said of the last.
    fn fails_thrice(self, says: &str) -> Self {
        self.times(3).fails(3, says).waits(&RETRIED)
    }

    fn stores(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.stores.push((member, value.into()));
        self
    }

    fn with(self, arguments: &'static [&'static str]) -> Self {
        Case { arguments, ..self }
    }

    /// What the config file holds before: hosts, a member of somebody else's, and an older login.
    fn before(&self, scene: &Scene) -> Value {
        let mut config = scene.platform.config();
        config["machine_id"] = json!([7, null]);
        config["auth_token"] = scene.old_token.clone().into();
        config["email_id"] = EMAIL.into();
        config
    }

    fn after(&self, scene: &Scene, mut config: Value) -> Value {
        if self.call == Call::UserLogout {
            let members = config.as_object_mut().unwrap();
            members.retain(|name, _| !["auth_token", "email_id"].contains(&name.as_str()));
            return config;
        }
        config["auth_token"] = scene.token.clone().into();
        if self.end == End::Done && self.call != Call::RefreshToken {
            config["organization_id"] = "org-acme".into();
            config["organization_name"] = "Acme".into();
            config["organization_short_id"] = "acmez".into();
            config["project_id"] = "project-acmefleet".into();
            config["project_name"] = "fleet".into();
        }
        for (member, value) in &self.stores {
            match value {
                Value::Null => drop(config.as_object_mut().unwrap().remove(*member)),
                value => config[*member] = value.clone(),
            }
        }
        config
    }

    /// Scripts the calls before and after the one that the case is about.
    fn script(&self, scene: &Scene) {
        let good = |call| scene.platform.answer(call, Answer::json(200, scene.good(call)));
        for answer in &self.script {
            scene.platform.answer(self.call, answer(scene));
        }
        match self.call {
            Call::Discovery if self.end == End::Done => {
                good(Call::DeviceAuthorization);
                good(Call::Token);
            }
            Call::DeviceAuthorization if self.end == End::Done => good(Call::Token),
            Call::Token => good(Call::DeviceAuthorization),
            Call::UsersMe | Call::Projects => good(Call::UserLogin),
            _ => {}
        }
    }

    fn expected_waits(&self) -> Vec<u128> {
        let default = match self.call {
            Call::Discovery | Call::DeviceAuthorization if self.end == End::Done => vec![POLL],
            Call::Token => vec![POLL; self.script.len()],
            _ => Vec::new(),
        };
        self.waits.clone().unwrap_or(default)
    }

    #[expect(clippy::disallowed_methods, reason = "a case that takes real time is a hang")]
    fn run(&self) {
        println!("case: {}", self.name);
        let (scene, clock) = (Scene::new(), FakeClock::new());
        // The trace has its own promise, which is asserted along the way.
        let robot = Robot::new().env("RIO_DEBUG", "1");
        let before = self.before(&scene);
        robot.write_config(&before);
        let bytes = robot.config_bytes();
        self.script(&scene);
        let stdin = if self.call == Call::UserInfo { &scene.token } else { PASSWORD };
        let start = Instant::now();
        let outcome = robot.rio(self.arguments).stdin(stdin).run_at(&clock);
        let took = start.elapsed();

        let fail = |wanted: &str| panic!("{}: wanted {wanted}\n{outcome}", self.name);
        let check = |holds: bool, wanted: &str| {
            if !holds {
                fail(wanted)
            }
        };
        let shows = self.arguments.contains(&"--json") || self.arguments.contains(&"status");
        check(shows || outcome.stdout.is_empty(), "nothing on standard output");
        check(took < Duration::from_secs(5), &format!("an end at once, not after {took:?}"));
        check(outcome.code == Some(self.exit()), &format!("exit code {}", self.exit()));
        let said = said(&outcome);
        for text in &self.says {
            let heard = said.contains(text) || outcome.stdout.contains(text);
            check(heard, &format!("on a stream: {text}"));
        }
        let secrets = [DEVICE_CODE, ACCESS_TOKEN, PASSWORD, &scene.token, &scene.old_token];
        let hidden = self.hides.iter().map(String::as_str).chain(secrets);
        for text in hidden.chain(["panicked", "bug of its own", "<h", "RUST_BACKTRACE"]) {
            let shown = outcome.stdout.contains(text) || outcome.stderr.contains(text);
            check(!shown, &format!("nowhere: {text}"));
        }
        check_text(&outcome, &check);
        if self.arguments.contains(&"--json") {
            check(outcome.stdout.is_ascii() && !outcome.events().is_empty(), "events in ASCII");
        }
        // `status` has a result also where the token is refused; it says all there is to say.
        if self.exit() != 0 && !(self.arguments == VERIFY && self.exit() == 1) {
            check_error(&said, &check);
        }
        if self.exit() == 3 {
            check(said.contains(scene.host()), "the host's name");
        }

        match self.end {
            End::Unchanged(_) => {
                check(robot.config_bytes() == bytes, "a config file that is byte-identical");
            }
            End::Done | End::LoginStands(_) => {
                let (stored, wanted) = (robot.config(), self.after(&scene, before));
                check(stored == wanted, &format!("in the config file {wanted:#}\nnot {stored:#}"));
            }
        }
        let (waits, wanted) = (clock.sleeps_in_ms(), self.expected_waits());
        check(waits == wanted, &format!("waits of {wanted:?} ms, not {waits:?}"));
        let (asked, wanted) = (scene.platform.calls(self.call).len(), self.script.len());
        check(asked == wanted, &format!("{wanted} calls, not {asked}"));
        let codes = scene.platform.calls(Call::DeviceAuthorization).len();
        check(codes <= 1, "no second code");
        let elsewhere = scene.elsewhere.accept().map_err(|error| error.kind());
        check(matches!(elsewhere, Err(ErrorKind::WouldBlock)), "no call to another host");
    }

    fn exit(&self) -> i32 {
        match self.end {
            End::Done => 0,
            End::Unchanged(exit) | End::LoginStands(exit) => exit,
        }
    }
}

/// Standard error without the trace.
fn said(outcome: &Outcome) -> String {
    let lines = outcome.stderr.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("rio: debug: ")).collect()
}

/// Nothing of either stream steers a terminal, turns text around or pretends to be a line of its own.
fn check_text(outcome: &Outcome, check: &dyn Fn(bool, &str)) {
    let steers = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}')
    };
    for text in [&outcome.stdout, &outcome.stderr] {
        check(!text.contains(steers), "no control characters");
        check(!text.lines().any(|line| line.trim_start().starts_with("FORGED")), "no forged line");
    }
}

/// An error is a fact, then advice.
fn check_error(said: &str, check: &dyn Fn(bool, &str)) {
    let lines: Vec<_> = said.lines().collect();
    let fact = lines.iter().position(|line| line.starts_with("rio: "));
    let advice = fact.and_then(|fact| lines.get(fact + 1));
    check(fact.is_some_and(|fact| lines[fact].len() > 10), "a fact");
    check(advice.is_some_and(|line| line.starts_with("  ") && line.len() > 10), "advice");
}

/// Runs them all, then fails if any did.
fn run(cases: Vec<Case>) {
    assert!(!cases.is_empty());
    let failed: Vec<_> = cases
        .iter()
        .filter(|case| catch_unwind(AssertUnwindSafe(|| case.run())).is_err())
        .map(|case| case.name.as_str())
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
}

// Bodies and bytes

fn page(status: u16) -> Answer {
    let page = "<!DOCTYPE html><h1>Welcome to Hotel WiFi</h1>";
    Answer::text(status, "text/html; charset=utf-8", page)
}

fn error(status: u16, error: &str) -> Answer {
    Answer::json(status, json!({"error": error}))
}

fn text(status: u16, body: &str) -> Answer {
    Answer::text(status, "text/plain", body)
}

/// The body once more, with one of its members before it.
fn twice(member: &'static str) -> impl Fn(String) -> String {
    move |body| {
        let at = body.find(&format!("\"{member}\":")).unwrap();
        format!("{}\"{member}\":\"other\",{}", &body[..at], &body[at..])
    }
}

/// Spaces after a body, to make it so long.
fn padded(mut body: String, size: usize) -> String {
    body.push_str(&" ".repeat(size - body.len()));
    body
}

fn nested(depth: usize) -> Value {
    verbatim(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)))
}

/// The head of an answer after which the server ends the connection, as it must say (RFC 9112 §9.6): a
/// client may have sent its next request before it learns of the end.
const LAST: &str = "HTTP/1.1 200 OK\r\nConnection: close";

/// A head of these lines, and the body with its length.
fn http(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunked(chunks: &str) -> Vec<u8> {
    format!("{LAST}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}").into_bytes()
}

/// RFC 1952 around stored blocks of RFC 1951: nothing gets smaller.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let blocks = content.chunks(usize::from(u16::MAX));
    let last = blocks.len() - 1;
    for (index, block) in blocks.enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        bytes.push(u8::from(index == last));
        bytes.extend(length.to_le_bytes());
        bytes.extend((!length).to_le_bytes());
        bytes.extend(block);
    }
    bytes.extend(crc32(content).to_le_bytes());
    bytes.extend(u32::try_from(content.len()).unwrap().to_le_bytes());
    bytes
}

fn crc32(content: &[u8]) -> u32 {
    !content.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// A body that says how it is encoded.
fn encoded(encoding: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    http(&format!("{LAST}\r\nContent-Encoding: {encoding}"), body)
}

// Discovery

fn discovery() -> Vec<Case> {
    use Call::Discovery as D;
    let far = "x".repeat(70 * 1024);
    let answer =
        |name, status, body: Value| answered(D, name, move |_| Answer::json(status, body.clone()));
    let mut cases = vec![
        // What does not matter is not looked at.
        changed(D, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        changed(D, "a member nobody knows, beyond any number", "/extra", verbatim("1e400")),
        changed(D, "a long array of what nobody knows", "/extra", json!(vec![7; 100_000])),
        edited(D, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        edited(D, "spaces and line breaks around it", |body| format!("\r\n\t {body} \n")),
        edited(D, "the issuer with a final slash", |body| {
            body.replacen(r#"","token"#, r#"/","token"#, 1).replacen(
                "/oauth2/device/auth/",
                "/oauth2/device/auth",
                1,
            )
        }),
        answered(D, "JSON that is called plain text", |scene| {
            text(200, &scene.good(D).to_string())
        }),
        answered(D, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(D).to_string())
        }),
        answered(D, "JSON without a type", |scene| {
            Answer::raw(http(LAST, scene.good(D).to_string()))
        }),
        raw(D, "an answer after the answer", |body| {
            let forged = http("HTTP/1.1 200 OK", r#"{"device_code":"x","user_code":"FORGED"}"#);
            [http("HTTP/1.1 200 OK", body), forged].concat()
        })
        .hides("FORGED"),
        answered(D, "no answer, then a good one", |_| Answer::hang_up())
            .then_good()
            .waits(&[500, POLL]),
        answered(D, "two kinds of trouble, then a good answer", |_| page(502))
            .then(|_| error(503, "in a moment"))
            .then_good()
            .waits(&[500, 1000, POLL]),
        // What is not the login server.
        answered(D, "a captive portal's page", |_| page(200))
            .fails(3, PAGE)
            .says(PORTAL)
            .hides("Hotel"),
        answered(D, "a captive portal's redirect", |scene| {
            text(302, "").header("Location", &format!("{}/login", scene.elsewhere()))
        })
        .fails(3, REDIRECT)
        .says(PORTAL),
        answered(D, "a captive portal that says so", |_| page(511))
            .fails(3, "a web page (status 511)")
            .says(PORTAL),
        answered(D, "a filtering proxy's page", |_| page(403))
            .fails(3, "a web page (status 403)")
            .says(PORTAL),
        answered(D, "a broken proxy's page", |_| page(502)).fails_thrice("a web page (status 502)"),
        answered(D, "a page that is called JSON", |_| {
            Answer::text(200, "application/json", "\n\t<!DOCTYPE html><h1>Hotel</h1>")
        })
        .fails(3, PAGE)
        .hides("Hotel"),
        answered(D, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        answered(D, "204", |_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))
            .fails(3, "something else than was asked for (status 204)"),
        answered(D, "plain words", |_| text(200, "It works!")).fails(3, SENSELESS).hides("works"),
        answer("an array", 200, json!([{}])).fails(3, SENSELESS),
        answer("an object with nothing in it", 200, json!({})).fails(3, SENSELESS),
        edited(D, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
        edited(D, "an object and more", |body| body + "}").fails(3, SENSELESS),
        edited(D, "half an object", |body| body[..body.len() / 2].to_owned()).fails(3, SENSELESS),
        edited(D, "a byte order mark", |body| format!("\u{feff}{body}")).fails(3, SENSELESS),
        answered(D, "UTF-16", |scene| {
            let units = scene
                .good(D)
                .to_string()
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>();
            Answer::text(200, "application/json; charset=utf-16", units)
        })
        .fails(3, SENSELESS),
        edited(D, "the issuer twice", twice("issuer")).fails(3, SENSELESS),
        edited(D, "the token endpoint twice", twice("token_endpoint")).fails(3, SENSELESS),
        // A no, and trouble.
        answer("404 as JSON", 404, json!({"error": "no such page"}))
            .fails(1, "refused the request for its endpoints: no such page (404)"),
        answered(D, "404 with nothing", |_| text(404, "")).fails(1, "an error (status 404)"),
        answered(D, "401 with nothing", |_| text(401, "")).fails(1, "(status 401)"),
        answer("403 with words that steer", 403, json!({"error": HOSTILE})).fails(1, TAMED),
        answer("an error that is an object", 400, json!({"error": {"error": 7}}))
            .fails(1, "an error (status 400)"),
        answer("500 as JSON", 500, json!({"error": "broken"}))
            .fails(3, "broken (500)")
            .says(OWN_TROUBLE),
        answer("429 as JSON", 429, json!({"error": "slowly"}))
            .fails(3, "slowly (429)")
            .says("The server asks to wait"),
        answer("503 as JSON", 503, json!({"error": "busy"})).fails_thrice("busy (503)"),
        answered(D, "503 for two minutes", |_| error(503, "busy").header("Retry-After", "120"))
            .fails(3, "busy (503)"),
        answered(D, "no answer", |_| Answer::hang_up()).fails_thrice(CLOSED),
        answered(D, "half a head", |_| Answer::raw("HTTP/1.1 200 OK\r\nContent-Ty"))
            .fails_thrice(CLOSED),
        raw(D, "half a body", |body| http("HTTP/1.1 200 OK", &body)[..120].to_vec())
            .fails_thrice(CUT),
        edited(D, "1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
    ];
    // What cannot be read.
    let unexpected = [
        ("the issuer is missing", "/issuer", json!(GONE)),
        ("the issuer is null", "/issuer", json!(null)),
        ("the issuer is a number", "/issuer", json!(5)),
        ("the issuer is an array", "/issuer", json!(["x"])),
        ("the issuer is nested deep", "/issuer", nested(100_000)),
        ("the token endpoint is missing", "/token_endpoint", json!(GONE)),
        ("the token endpoint is an object", "/token_endpoint", json!({"url": "x"})),
        ("the device endpoint is true", "/device_authorization_endpoint", json!(true)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(D, End::Unchanged(3), unexpected));
    // What can be read, and is not to be used.
    let (device, token) = ("/device_authorization_endpoint", "/token_endpoint");
    cases.extend(rows(
        D,
        End::Unchanged(1),
        [
            ("no device endpoint", device, json!(GONE), "offers no login by device code"),
            ("the device endpoint is null", device, json!(null), "offers no login by device code"),
            ("another issuer", "/issuer", json!("https://evil.example"), "of https://evil.example"),
            ("an issuer that steers", "/issuer", json!(HOSTILE), TAMED),
            ("an issuer without end", "/issuer", json!(far), "xxx..."),
            ("an empty issuer", "/issuer", json!(""), "says it is the login server of"),
            ("an empty endpoint", token, json!(""), "sent a token_endpoint that is not"),
            ("a path for an endpoint", token, json!("/token"), "that is not a full URL"),
            ("an endpoint with ESC", token, json!("https://a.example/\u{1b}[2J"), "no URL has"),
            ("an endpoint with C1", token, json!("https://a.example/\u{9b}2J"), "no URL has"),
            ("an endpoint with NUL", token, json!("https://a.example/\u{0}"), "no URL has"),
            (
                "an endpoint with two lines",
                token,
                json!("https://a.example/\r\nX: y"),
                "no URL has",
            ),
            (
                "an endpoint turned around",
                device,
                json!("https://a.example/\u{202e}"),
                "no URL has",
            ),
            (
                "an endpoint without TLS",
                device,
                json!("http://10.0.0.1/x"),
                "only https:// is safe",
            ),
            ("a file for an endpoint", token, json!("file:///etc/passwd"), "that is not a"),
            ("a script for an endpoint", token, json!("javascript:alert(1)"), "that is not a"),
            (
                "an endpoint with a password",
                token,
                json!("https://a:pw@b.example"),
                "a user name in it",
            ),
            ("an endpoint at no port", token, json!("https://b.example:99999/"), "does not exist"),
            (
                "an endpoint without end",
                token,
                json!(format!("https://b.example/{far}")),
                "is not a URL",
            ),
        ],
    ));
    cases
}

// Device authorization

fn device_authorization() -> Vec<Case> {
    use Call::DeviceAuthorization as D;
    let answer =
        |name, status, body: Value| answered(D, name, move |_| Answer::json(status, body.clone()));
    let far = format!("https://a.example/{}", "x".repeat(70 * 1024));
    let mut cases = vec![
        changed(D, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        edited(D, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        changed(D, "no complete address", "/verification_uri_complete", json!(GONE))
            .hides("has the code in it"),
        changed(D, "a complete address that is null", "/verification_uri_complete", json!(null))
            .hides("has the code in it"),
        changed(D, "a complete address that is a number", "/verification_uri_complete", json!(5))
            .hides("has the code in it"),
        changed(D, "a complete address that steers", "/verification_uri_complete", json!(HOSTILE))
            .hides("FORGED"),
        changed(
            D,
            "a complete address elsewhere",
            "/verification_uri_complete",
            json!("https://evil.example"),
        )
        .hides("evil"),
        changed(D, "another spelling beside, a number", "/verification_url", json!(5)),
        changed(D, "a device code that steers", "/device_code", json!(HOSTILE)).hides("FORGED"),
        changed(D, "a device code of 64 KiB", "/device_code", json!("x".repeat(64 * 1024)))
            .hides("xxx"),
        answered(D, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(D).to_string())
        }),
        answered(D, "201", |scene| Answer::json(201, scene.good(D))),
        edited(D, "exactly 1 MiB", |body| padded(body, MIB)),
        // None of it is sent a second time.
        answer("a refusal", 400, json!({"error": "invalid_client", "error_description": "who?"}))
            .fails(1, "refused the request for a code: invalid_client: who? (400)"),
        answer(
            "a refusal that steers",
            400,
            json!({"error": HOSTILE, "error_description": HOSTILE}),
        )
        .fails(1, &format!("{TAMED}: {TAMED} (400)")),
        answer("a refusal without end", 400, json!({"error": "y".repeat(5000)}))
            .fails(1, "yyy... (400)")
            .hides(&"y".repeat(201)),
        answer("a refusal in the platform's words", 403, json!({"response": {"error": "not you"}}))
            .fails(1, "not you (403)"),
        answer("an error that is a number", 400, json!({"error": 5}))
            .fails(1, "an error (status 400)"),
        answer("an error beside nothing, and 200", 200, json!({"error": "invalid_client"}))
            .fails(3, SENSELESS),
        edited(D, "an error that comes twice", |_| r#"{"error":"a","error":"b"}"#.to_owned())
            .fails(3, SENSELESS),
        answer("429", 429, json!({})).fails(3, "(status 429)").says("The server asks to wait"),
        answered(D, "503 with Retry-After", |_| error(503, "busy").header("Retry-After", "1"))
            .fails(3, "busy (503)"),
        answered(D, "502 as a page", |_| page(502)).fails(3, "a web page (status 502)"),
        answered(D, "a captive portal's page", |_| page(200)).fails(3, PAGE).says(PORTAL),
        answered(D, "a redirect elsewhere", |scene| {
            text(307, "").header("Location", &format!("{}/device", scene.elsewhere()))
        })
        .fails(3, REDIRECT),
        answered(D, "no answer", |_| Answer::hang_up()).fails(3, CLOSED),
        raw(D, "half a body", |body| http("HTTP/1.1 200 OK", &body)[..120].to_vec()).fails(3, CUT),
        answered(D, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        edited(D, "1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        edited(D, "the user code twice", twice("user_code")).fails(3, SENSELESS),
        edited(D, "the device code twice", twice("device_code")).fails(3, SENSELESS),
        edited(D, "the interval twice", twice("interval")).fails(3, SENSELESS),
        edited(D, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no device code", "/device_code", json!(GONE)),
        ("a device code of null", "/device_code", json!(null)),
        ("a device code that is a number", "/device_code", json!(5)),
        ("no user code", "/user_code", json!(GONE)),
        ("a user code that is a number", "/user_code", json!(12345678)),
        ("a user code in an array", "/user_code", json!(["a"])),
        ("no address", "/verification_uri", json!(GONE)),
        ("an address of null", "/verification_uri", json!(null)),
        ("an address that is a number", "/verification_uri", json!(5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(D, End::Unchanged(3), unexpected));
    let (user_code, page, unusable) =
        ("/user_code", "/verification_uri", "a code that cannot be shown");
    cases.extend(rows(
        D,
        End::Unchanged(1),
        [
            ("a user code with ESC", user_code, json!("AB\u{1b}[2J"), unusable),
            ("a user code with C1", user_code, json!("AB\u{9b}31m"), unusable),
            ("a user code with NUL", user_code, json!("AB\u{0}CD"), unusable),
            ("a user code with DEL", user_code, json!("AB\u{7f}CD"), unusable),
            ("a user code of two lines", user_code, json!("AB\nFORGED"), unusable),
            ("a user code turned around", user_code, json!("AB\u{202e}CD"), unusable),
            ("an empty user code", user_code, json!(""), unusable),
            ("a user code of blanks", user_code, json!("   "), unusable),
            ("a user code that nobody types", user_code, json!("A".repeat(65)), unusable),
            ("an empty device code", "/device_code", json!(""), unusable),
            ("an address with ESC", page, json!("https://a.example/\u{1b}[2J"), "no URL has"),
            ("an address turned around", page, json!("https://a.example/\u{202e}"), "no URL has"),
            ("an address of two lines", page, json!("https://a.example/\nFORGED"), "no URL has"),
            ("an address that is an option", page, json!("--help"), "that is not a full URL"),
            ("an address that is a script", page, json!("javascript:alert(1)"), "that is not a"),
            ("an address without TLS", page, json!("http://a.example/"), "only https:// is safe"),
            ("an address without end", page, json!(far), "is not a URL"),
        ],
    ));
    for (name, expires_in, lasts) in [
        ("2^64-1", json!(u64::MAX), "1 day"),
        ("2^64", verbatim("18446744073709551616"), "1 day"),
        ("-1", json!(-1), "10 minutes"),
        ("1.5", json!(1.5), "10 minutes"),
        ("1e400", verbatim("1e400"), "10 minutes"),
        ("0", json!(0), "10 minutes"),
        ("text", json!("soon"), "10 minutes"),
        ("a number in quotes", json!("120"), "2 minutes"),
        ("null", json!(null), "10 minutes"),
        ("missing", json!(GONE), "10 minutes"),
        ("nested deep", nested(10_000), "10 minutes"),
        ("one second", json!(1), "1 second"),
    ] {
        let name = format!("a life of {name}");
        let says = format!("The code lasts {lasts}.");
        cases.push(changed(D, &name, "/expires_in", expires_in).says(&says));
    }
    for (name, interval, wait) in [
        ("2^64-1", json!(u64::MAX), POLL),
        ("2^64", verbatim("18446744073709551616"), POLL),
        ("as long as the code's life", json!(600), POLL),
        ("-1", json!(-1), POLL),
        ("1.5", json!(1.5), POLL),
        ("1e400", verbatim("1e400"), POLL),
        ("0", json!(0), POLL),
        ("text", json!("abc"), POLL),
        ("a number in quotes", json!("7"), 7050),
        ("null", json!(null), POLL),
        ("missing", json!(GONE), POLL),
        ("nested deep", nested(10_000), POLL),
        ("one second", json!(1), 1050),
    ] {
        let name = format!("an interval of {name}");
        cases.push(changed(D, &name, "/interval", interval).waits(&[wait]));
    }
    cases
}

// Polling

fn polling() -> Vec<Case> {
    use Call::Token as T;
    let answer = |name: &str, status, body: Value| {
        answered(T, name, move |_| Answer::text(status, "application/json", render(&body)))
    };
    let pending = || error(400, "authorization_pending");
    let mut cases = Vec::new();
    // The error member decides, whatever is around it.
    for status in [200, 400, 401, 403, 428, 500, 503] {
        let body = json!({"error": "authorization_pending", "error_description": HOSTILE});
        let case = answer(&format!("pending with {status}"), status, body);
        cases.push(case.then_good().hides("still trying").hides("FORGED"));
    }
    cases.push(
        answered(T, "pending that is called a web page", |_| {
            Answer::text(400, "text/html", r#"{"error":"authorization_pending"}"#)
        })
        .then_good()
        .hides("still trying"),
    );
    for (name, interval, wait) in [
        ("2^64-1", json!(u64::MAX), 10_050),
        ("-1", json!(-1), 10_050),
        ("1.5", json!(1.5), 10_050),
        ("1e400", verbatim("1e400"), 10_050),
        ("a list", json!([30]), 10_050),
        ("a smaller number", json!(1), 10_050),
        ("a number in quotes", json!("30"), 30_050),
    ] {
        let body = json!({"error": "slow_down", "interval": interval});
        let case = answer(&format!("slow_down beside an interval of {name}"), 400, body);
        cases.push(case.then(move |_| pending()).then_good().waits(&[POLL, wait, wait]));
    }
    // Trouble that may pass ends nothing.
    let passing: [(&str, Make, &str); 21] = [
        ("502 as a page", Box::new(|_| page(502)), "a web page (status 502)"),
        ("503 as JSON", Box::new(|_| error(503, "busy")), "an error (status 503)"),
        ("500 with nothing", Box::new(|_| text(500, "")), "an error (status 500)"),
        ("500 that steers", Box::new(|_| error(500, HOSTILE)), "an error (status 500)"),
        ("504", Box::new(|_| text(504, "upstream")), "an error (status 504)"),
        ("599", Box::new(|_| text(599, "")), "an error (status 599)"),
        ("408", Box::new(|_| text(408, "")), "an error (status 408)"),
        ("425", Box::new(|_| text(425, "")), "an error (status 425)"),
        ("429 as JSON", Box::new(|_| error(429, "slowly")), "an error (status 429)"),
        ("a captive portal's page", Box::new(|_| page(200)), PAGE),
        ("a captive portal that says so", Box::new(|_| page(511)), "a web page (status 511)"),
        ("a filtering proxy's page", Box::new(|_| page(403)), "a web page (status 403)"),
        (
            "a captive portal's redirect",
            Box::new(|scene| text(302, "").header("Location", &scene.elsewhere())),
            REDIRECT,
        ),
        ("no answer", Box::new(|_| Answer::hang_up()), CLOSED),
        ("half a status line", Box::new(|_| Answer::raw("HTTP/1.")), CLOSED),
        ("half a head", Box::new(|_| Answer::raw("HTTP/1.1 200 OK\r\nDate: ")), CLOSED),
        ("no HTTP", Box::new(|_| Answer::raw("SSH-2.0-OpenSSH_9.6\r\n")), NO_HTTP),
        (
            "half a body of an error",
            Box::new(|_| Answer::raw("HTTP/1.1 400 Bad\r\nContent-Length: 90\r\n\r\n{\"error\"")),
            "a message that breaks off (status 400)",
        ),
        ("server_error", Box::new(|_| error(400, "server_error")), "an error (status 400)"),
        (
            "temporarily_unavailable",
            Box::new(|_| error(400, "temporarily_unavailable")),
            "an error (status 400)",
        ),
        (
            "the tokens with 500",
            Box::new(|scene| Answer::json(500, scene.good(T))),
            "an error (status 500)",
        ),
    ];
    for (name, trouble, says) in passing {
        let case = answered(T, name, trouble).then_good().says(says).says("; still trying.");
        cases.push(case.says("Logged in as").hides("Hotel").waits(&[POLL, LATER]));
    }
    cases.extend([
        answered(T, "trouble of three kinds", |_| page(502))
            .then(|_| Answer::hang_up())
            .then(|_| error(503, "busy"))
            .then_good()
            .waits(&[POLL, LATER, 20_050, 30_050]),
        answered(T, "trouble, then pending", |_| page(502))
            .then(|_| error(400, "authorization_pending"))
            .then_good()
            .says("The server answers again")
            .waits(&[POLL, LATER, POLL]),
    ]);
    // The code lives 600 s; the poll that it bounds comes as it ends.
    let to_the_end = 600_000 - POLL + 50;
    let date = "Tue, 24 Nov 2026 05:37:00 GMT";
    for (retry_after, wait) in [
        ("30", 30_050),
        (" 30 ", 30_050),
        ("0", LATER),
        ("-1", LATER),
        ("1.5", LATER),
        ("1e400", LATER),
        ("soon", LATER),
        ("", LATER),
        ("18446744073709551615", to_the_end),
        ("18446744073709551616", LATER),
        ("Tue, 24 Nov 2026 05:37:20 GMT", 20_050),
        ("Tuesday, 24-Nov-26 05:37:20 GMT", 20_050),
        ("Tue Nov 24 05:37:20 2026", 20_050),
        ("Tue, 24 Nov 2026 05:36:00 GMT", LATER),
        ("Thu, 01 Jan 1970 00:00:00 GMT", LATER),
        ("Fri, 31 Dec 9999 23:59:59 GMT", to_the_end),
        ("Tue, 99 Nov 2026 99:99:99 GMT", LATER),
    ] {
        let name = format!("503 and Retry-After of {retry_after:?}");
        let case = answered(T, &name, move |_| {
            error(503, "busy").header("Date", date).header("Retry-After", retry_after)
        });
        cases.push(case.then_good().waits(&[POLL, wait]));
    }
    cases.extend([
        answered(T, "pending and Retry-After", |_| {
            error(400, "authorization_pending").header("Retry-After", "30")
        })
        .then_good()
        .waits(&[POLL, 30_050]),
        answered(T, "two of Retry-After", |_| {
            error(503, "busy").header("Retry-After", "30").header("Retry-After", "40")
        })
        .then_good()
        .waits(&[POLL, 30_050]),
        raw(T, "Retry-After that is no text", |_| {
            http("HTTP/1.1 503 Busy\r\nRetry-After: \u{9b}30", "{}")
        })
        .then_good()
        .waits(&[POLL, LATER]),
        // The end of it.
        answer(
            "denied, with words that steer",
            403,
            json!({"error": "access_denied", "error_description": HOSTILE}),
        )
        .fails(1, "the login was denied in the browser")
        .hides("FORGED"),
        answer("expired", 400, json!({"error": "expired_token"}))
            .fails(1, "the code expired before"),
        answer("a code that nobody knows", 400, json!({"error": "invalid_grant"}))
            .fails(1, "the code has expired, was used already"),
        answer("a client that nobody knows", 401, json!({"error": "invalid_client"}))
            .fails(1, "invalid_client (401)"),
        answer("an error that nobody knows", 400, json!({"error": HOSTILE})).fails(1, TAMED),
        answer("an error without end", 400, json!({"error": "y".repeat(5000)}))
            .fails(1, "yyy... (400)")
            .hides(&"y".repeat(201)),
        answer("an error that is the device code", 400, json!({"error": DEVICE_CODE}))
            .fails(1, "(status 400)"),
        answer(
            "a device code hidden in the words",
            400,
            json!({
                "error": "invalid_request",
                "error_description": DEVICE_CODE.replace("c0de", "c0\u{0}de"),
            }),
        )
        .fails(1, "(status 400)"),
        answer("an error of another type", 400, json!({"error": 5}))
            .fails(1, "an error (status 400)"),
        answer("an empty error", 400, json!({"error": ""})).fails(1, "an error (status 400)"),
        answered(T, "the error twice", |_| {
            Answer::text(
                400,
                "application/json",
                r#"{"error":"slow_down","error":"access_denied"}"#,
            )
        })
        .fails(1, "an error (status 400)"),
        answered(T, "nothing, and a no", |_| text(400, "")).fails(1, "an error (status 400)"),
        answered(T, "the tokens, and a no", |scene| Answer::json(400, scene.good(T)))
            .fails(1, "an error (status 400)"),
        answered(T, "404 as JSON", |_| error(404, "no such page")).fails(1, "no such page (404)"),
        answered(T, "a no of 2 MiB", |_| text(400, &" ".repeat(2 * MIB)))
            .fails(1, "more than 1 MiB (status 400)"),
    ]);
    cases
}

// The tokens

fn tokens() -> Vec<Case> {
    use Call::Token as T;
    let mut cases = vec![
        changed(T, "BEARER", "/token_type", json!("BEARER")),
        changed(T, "an error of null", "/error", json!(null)),
        changed(T, "a life beyond any number", "/expires_in", verbatim("1e400")),
        changed(T, "a life of -1", "/expires_in", json!(-1)),
        changed(T, "a life that is nested deep", "/expires_in", nested(100_000)),
        changed(T, "a scope that is a list", "/scope", json!(["openid", 5])),
        changed(T, "an interval that is nested deep", "/interval", nested(10_000)),
        edited(T, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        answered(T, "tokens that are called plain text", |scene| {
            text(200, &scene.good(T).to_string())
        }),
        // A code is good once: what is not taken for tokens now is lost.
        answered(T, "tokens that are called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(T).to_string())
        }),
        answered(T, "tokens with 201", |scene| Answer::json(201, scene.good(T))),
        raw(T, "tokens without a length", |body| {
            format!("HTTP/1.0 200 OK\r\n\r\n{body}").into_bytes()
        }),
        raw(T, "tokens in chunks", |body| {
            chunked(&format!(
                "{:x}\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                10,
                &body[..10],
                body.len() - 10,
                &body[10..]
            ))
        }),
        raw(T, "tokens compressed", |body| encoded("gzip", gzip(body.as_bytes()))),
        edited(T, "tokens in exactly 1 MiB", |body| padded(body, MIB)),
        edited(T, "tokens in 1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        raw(T, "100 MB of spaces", |_| {
            let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
            [head.as_bytes(), &vec![b' '; 2 * MIB]].concat()
        })
        .fails(3, LARGE),
        raw(T, "a bomb", |_| encoded("gzip", gzip_bomb())).fails(3, LARGE),
        raw(T, "half the tokens", |body| http("HTTP/1.1 200 OK", &body)[..200].to_vec())
            .fails(3, CUT),
        raw(T, "half of them in chunks", |body| {
            chunked(&format!("{:x}\r\n{body}", body.len() + 9))
        })
        .fails(3, CUT),
        raw(T, "half of them compressed", |body| {
            let bytes = gzip(body.as_bytes());
            encoded("gzip", &bytes[..bytes.len() / 2])
        })
        .fails(3, CUT),
        edited(T, "an object in an array", |body| format!("[{body}]")).fails(3, SENSELESS),
        edited(T, "the access token twice", twice("access_token")).fails(3, SENSELESS),
        edited(T, "the id_token twice", twice("id_token")).fails(3, SENSELESS),
        edited(T, "the type twice", twice("token_type")).fails(3, SENSELESS),
        answered(T, "nothing", |_| text(200, "")).fails(3, SENSELESS),
        answered(T, "204", |_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))
            .fails(3, "(status 204)"),
    ];
    let unexpected = [
        ("no access token", "/access_token", json!(GONE)),
        ("an access token of null", "/access_token", json!(null)),
        ("an access token that is a number", "/access_token", verbatim("1e400")),
        ("an empty access token", "/access_token", json!("")),
        ("no type", "/token_type", json!(GONE)),
        ("a type that is a number", "/token_type", json!(5)),
        ("another type", "/token_type", json!("mac")),
        ("a type that steers", "/token_type", json!(HOSTILE)),
        ("no id_token", "/id_token", json!(GONE)),
        ("an id_token of null", "/id_token", json!(null)),
        ("an id_token that is an object", "/id_token", json!({"rio_token": "x"})),
        ("an error beside them", "/error", json!("")),
        ("an error of another type beside them", "/error", json!(5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(T, End::Unchanged(3), unexpected));
    cases.extend(rows(
        T,
        End::Unchanged(1),
        [
            ("a denial beside them", "/error", json!("access_denied"), "denied in the browser"),
            ("an empty id_token", "/id_token", json!(""), "an id_token that cannot be read"),
            (
                "an id_token that steers",
                "/id_token",
                json!(HOSTILE),
                "an id_token that cannot be read",
            ),
            (
                "an id_token of one part",
                "/id_token",
                json!("abc"),
                "an id_token that cannot be read",
            ),
            ("an id_token of dots", "/id_token", json!(".".repeat(100_000)), "cannot be read"),
        ],
    ));
    cases
}

/// Tokens of which only the id_token is odd.
fn with_id_token(name: &str, make: impl Fn(&Scene) -> String + 'static) -> Case {
    answered(Call::Token, &format!("id_token, {name}"), move |scene| {
        Answer::json(200, scene.tokens(&make(scene)))
    })
}

fn with_claims(name: &str, edit: impl Fn(String) -> String + 'static) -> Case {
    with_id_token(name, move |scene| jwt(GOOD_HEADER, &edit(scene.claims().to_string())))
}

fn id_token() -> Vec<Case> {
    let claim = |name: &str, pointer: &'static str, value: Value| {
        with_id_token(name, move |scene| {
            let mut claims = scene.claims();
            put(&mut claims, pointer, value.clone());
            jwt(GOOD_HEADER, &render(&claims))
        })
    };
    let header = |name: &str, header: &'static str| {
        with_id_token(name, move |scene| jwt(header, &scene.claims().to_string()))
    };
    let shape = |name: &str, edit: fn(String) -> String| {
        with_id_token(name, move |scene| edit(jwt(GOOD_HEADER, &scene.claims().to_string())))
    };
    let unreadable = "an id_token that cannot be read";
    let others: Vec<_> =
        (0..20_000).map(|number| format!("client-{number}")).chain(["rio-cli".into()]).collect();
    let mut cases = vec![
        claim("an end beyond any number", "/exp", verbatim("1e400")),
        claim("an end of 2^64-1", "/exp", json!(u64::MAX)),
        claim("an end with a fraction", "/exp", verbatim("4102444800.5")),
        claim("a claim nobody knows, nested deep", "/extra", nested(100_000)),
        with_claims("a claim nobody knows, twice", |claims| {
            claims.replacen('{', r#"{"x":1,"x":2,"#, 1)
        }),
        claim("no email", "/email", json!(GONE)).stores("email_id", json!(null)).says("Logged in."),
        claim("an email of null", "/email", json!(null)).stores("email_id", json!(null)),
        claim("an email that is a number", "/email", verbatim("1e400"))
            .stores("email_id", json!(null)),
        claim("an email nested deep", "/email", nested(10_000)).stores("email_id", json!(null)),
        claim("an empty email", "/email", json!("  ")).stores("email_id", json!(null)),
        claim("an email that steers", "/email", json!(HOSTILE))
            .stores("email_id", HOSTILE)
            .says(&format!("Logged in as {TAMED}.")),
        header("a header with more in it", r#"{"alg":"ES256","jwk":{"x":[[[]]]},"x":1e400}"#),
        header("an algorithm of none", r#"{"alg":"none"}"#).fails(1, "is not signed"),
        header("an algorithm of NoNe", r#"{"alg":"NoNe"}"#).fails(1, "is not signed"),
        header("no algorithm", "{}").fails(1, "is not signed"),
        header("an algorithm of null", r#"{"alg":null}"#).fails(1, unreadable),
        header("an algorithm that is a number", r#"{"alg":5}"#).fails(1, unreadable),
        header("an algorithm twice", r#"{"alg":"RS256","alg":"none"}"#).fails(1, unreadable),
        header("an extension", r#"{"alg":"RS256","crit":["b64"]}"#).fails(1, "an extension"),
        header("extensions that are no list", r#"{"alg":"RS256","crit":5}"#)
            .fails(1, "an extension"),
        header("an array for a header", r#"["RS256"]"#).fails(1, unreadable),
        header("nothing for a header", "").fails(1, unreadable),
        shape("two parts", |token| token.rsplit_once('.').unwrap().0.to_owned())
            .fails(1, unreadable),
        shape("four parts", |token| token + ".e30").fails(1, unreadable),
        shape("padding", |token| token + "==").fails(1, unreadable),
        shape("a line break", |token| token.replacen('.', ".\n", 1)).fails(1, unreadable),
        shape("a blank after it", |token| token + " ").fails(1, unreadable),
        shape("the other alphabet", |token| token.replacen('.', ".+/", 1)).fails(1, unreadable),
        with_claims("an array for claims", |claims| format!("[{claims}]")).fails(1, unreadable),
        with_claims("claims and more", |claims| claims + "{}").fails(1, unreadable),
        with_claims("half the claims", |claims| claims[..60].to_owned()).fails(1, unreadable),
        with_claims("the token twice", twice("rio_token")).fails(1, unreadable),
        with_claims("the issuer twice", twice("iss")).fails(1, unreadable),
        with_claims("the audience twice", twice("aud")).fails(1, unreadable),
        with_claims("the email twice", twice("email")).fails(1, unreadable),
        with_id_token("a long list of audiences, and we are the one", {
            let others = others.clone();
            move |scene| {
                let mut claims = scene.claims();
                claims["aud"] = json!(others);
                claims["azp"] = json!("rio-cli");
                jwt(GOOD_HEADER, &claims.to_string())
            }
        }),
    ];
    for (name, pointer, value, says) in [
        ("no issuer", "/iss", json!(GONE), unreadable),
        ("an issuer that is a number", "/iss", json!(5), unreadable),
        ("another issuer", "/iss", json!("https://evil.example"), "is from another login server"),
        ("an issuer that steers", "/iss", json!(HOSTILE), "is from another login server"),
        ("no audience", "/aud", json!(GONE), unreadable),
        ("an audience that is a number", "/aud", json!(5), unreadable),
        ("audiences that are numbers", "/aud", json!([5]), unreadable),
        ("an audience nested deep", "/aud", nested(100_000), unreadable),
        ("an empty list of audiences", "/aud", json!([]), "is for another program"),
        ("another audience", "/aud", json!("rio-cli2"), "is for another program"),
        ("a long list of audiences", "/aud", json!(others), "is for another program"),
        ("another party", "/azp", json!("evil"), "is for another program"),
        ("a party that is a number", "/azp", json!(5), unreadable),
        ("no end", "/exp", json!(GONE), unreadable),
        ("an end of null", "/exp", json!(null), unreadable),
        ("an end in words", "/exp", json!("soon"), unreadable),
        ("an end of -1", "/exp", json!(-1), unreadable),
        ("an end of -1e400", "/exp", verbatim("-1e400"), unreadable),
        ("an end of 0", "/exp", json!(0), "ended at 1970-01-01 00:00:00 UTC"),
        ("an end of 1.5", "/exp", json!(1.5), "ended at 1970-01-01 00:00:01 UTC"),
        ("no token", "/rio_token", json!(GONE), "holds no rapyuta.io token"),
        ("a token of null", "/rio_token", json!(null), "holds no rapyuta.io token"),
        ("a token that is a number", "/rio_token", json!(5), "holds no rapyuta.io token"),
        ("a token in a list", "/rio_token", json!(["x"]), "holds no rapyuta.io token"),
        ("an empty token", "/rio_token", json!(""), "holds no rapyuta.io token"),
        ("a token with a blank", "/rio_token", json!("a b"), "holds no rapyuta.io token"),
        ("a token that steers", "/rio_token", json!(HOSTILE), "holds no rapyuta.io token"),
        ("a token of two lines", "/rio_token", json!("a\r\nX: y"), "holds no rapyuta.io token"),
    ] {
        cases.push(claim(name, pointer, value).fails(1, says).hides("FORGED"));
    }
    cases
}

// RIP

fn user_login() -> Vec<Case> {
    use Call::UserLogin as L;
    let answer =
        |name, status, body: Value| answered(L, name, move |_| Answer::json(status, body.clone()));
    let mut cases = vec![
        edited(L, "the other spelling", |body| body.replace("token", "Token")),
        changed(L, "the other spelling beside, of null", "/data/Token", json!(null)),
        changed(L, "a member nobody knows, beyond any number", "/extra", verbatim("1e400")),
        changed(L, "a member nobody knows, nested deep", "/data/extra", nested(100_000)),
        answered(L, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(L).to_string())
        }),
        edited(L, "the token twice", twice("token")).fails(3, SENSELESS),
        edited(L, "the data twice", |body| body.replacen('{', r#"{"data":{},"#, 1))
            .fails(3, SENSELESS),
        // serde reads a struct from a list just as well.
        answer("lists for objects", 200, json!({"data": ["t0ken", null]}))
            .fails(3, SENSELESS)
            .hides("t0ken"),
        answer("an error, and 200", 200, json!({"error": HOSTILE})).fails(3, SENSELESS),
        answer("wrong password", 401, json!({"error": "wrong password"}))
            .fails(1, &format!("refused the login of {EMAIL}: wrong password (401)"))
            .says("SSO"),
        answer("a no that steers", 401, json!({"error": HOSTILE})).fails(1, TAMED),
        answer("a no that steers, nested", 400, json!({"response": {"error": HOSTILE}}))
            .fails(1, TAMED),
        answer("a no that repeats the password", 401, json!({"error": format!("{PASSWORD}?")}))
            .fails(1, "(status 401)"),
        answer(
            "a password hidden in the words",
            401,
            json!({"error": PASSWORD.replace("horse", "ho\u{202e}rse")}),
        )
        .fails(1, "(status 401)"),
        answer("a password over several lines", 401, json!({"error": PASSWORD.replace(' ', "\n")}))
            .fails(1, "(status 401)"),
        answer("a no in a list", 401, json!({"error": ["wrong"]})).fails(1, "(status 401)"),
        answer("a no of another shape", 403, json!(["wrong"])).fails(1, "(status 403)"),
        answered(L, "a no nested deep", |_| {
            let body = json!({"error": nested(100_000)});
            Answer::text(401, "application/json", render(&body))
        })
        .fails(1, "(status 401)"),
        answered(L, "a no with nothing", |_| text(422, "")).fails(1, "an error (status 422)"),
        answered(L, "401 as a page", |_| page(401)).fails(1, "(status 401)"),
        answered(L, "403 as a page", |_| page(403))
            .fails(3, "a web page (status 403)")
            .says(PORTAL)
            .hides("SSO"),
        answered(L, "407 as a page", |_| page(407))
            .fails(3, "a web page (status 407)")
            .hides("SSO"),
        answered(L, "429 for an hour", |_| error(429, "slowly").header("Retry-After", "3600"))
            .fails(3, "slowly (429)")
            .says("The server asks to wait"),
        answer("500 that repeats the password", 500, json!({"error": PASSWORD}))
            .fails(3, "an error (status 500)"),
        answered(L, "503 for a second", |_| error(503, "busy").header("Retry-After", "1"))
            .fails(3, "busy (503)"),
        answered(L, "no answer", |_| Answer::hang_up()).fails(3, CLOSED),
    ];
    let unexpected = [
        ("no data", "/data", json!(GONE)),
        ("data of null", "/data", json!(null)),
        ("data that is a list", "/data", json!([])),
        ("data that is text", "/data", json!("t0ken")),
        ("data nested deep", "/data", nested(100_000)),
        ("no token", "/data/token", json!(GONE)),
        ("a token of null", "/data/token", json!(null)),
        ("a token that is a number", "/data/token", json!(u64::MAX)),
        ("an empty token", "/data/token", json!("")),
        ("a token with a blank", "/data/token", json!("a b")),
        ("a token that steers", "/data/token", json!(HOSTILE)),
        ("a token of two lines", "/data/token", json!("a\r\nX-Evil: y")),
        ("a token beyond ASCII", "/data/token", json!("t\u{f6}ken")),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(L, End::Unchanged(3), unexpected));
    cases
}

fn refresh_token() -> Vec<Case> {
    use Call::RefreshToken as R;
    let answer =
        |name, status, body: Value| answered(R, name, move |_| Answer::json(status, body.clone()));
    let no_longer = "the stored token is no longer good";
    let mut cases = vec![
        edited(R, "the other spelling", |body| body.replace("Token", "token")),
        changed(R, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        answer("400", 400, json!({"error": HOSTILE})).fails(1, no_longer).hides("FORGED"),
        answer("401", 401, json!({})).fails(1, no_longer),
        answer("404", 404, json!({"error": "no such token"})).fails(1, no_longer),
        answered(R, "403 with nothing", |_| text(403, "")).fails(1, no_longer),
        answered(R, "403 as a page", |_| page(403)).fails(3, PORTAL).hides("no longer"),
        answered(R, "a captive portal's page", |_| page(200)).fails(3, PAGE).hides("no longer"),
        answered(R, "a redirect elsewhere", |scene| {
            text(308, "").header("Location", &format!("{}/refreshtoken", scene.elsewhere()))
        })
        .fails(3, REDIRECT),
        answer("408", 408, json!({})).fails(3, "(status 408)").hides("no longer"),
        answer("429", 429, json!({})).fails(3, "The server asks to wait").hides("no longer"),
        answer("500 that steers", 500, json!({"error": HOSTILE})).fails(3, TAMED),
        answered(R, "500 that repeats the token", |scene| error(500, &scene.old_token))
            .fails(3, "(status 500)"),
        answered(R, "503", |_| error(503, "busy")).fails(3, "busy (503)"),
        answered(R, "no answer", |_| Answer::hang_up()).fails(3, CLOSED),
        raw(R, "half a token", |body| http("HTTP/1.1 200 OK", &body)[..80].to_vec()).fails(3, CUT),
        edited(R, "1 MiB and a byte", |body| padded(body, MIB + 1)).fails(3, LARGE),
        edited(R, "the token twice", twice("Token")).fails(3, SENSELESS),
        answer("lists for objects", 200, json!({"data": [null, "t0ken"]})).fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no data", "/data", json!(GONE)),
        ("no token", "/data/Token", json!(GONE)),
        ("a token that is a number", "/data/Token", json!(-1)),
        ("an empty token", "/data/Token", json!("")),
        ("a token that steers", "/data/Token", json!(HOSTILE)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(R, End::Unchanged(3), unexpected));
    cases
}

const VERIFY: &[&str] = &["auth", "status", "--verify"];

fn user_info() -> Vec<Case> {
    use Call::UserInfo as I;
    let answer =
        |name, status, body: Value| answered(I, name, move |_| Answer::json(status, body.clone()));
    let verified = |name: &str, answer: Make| {
        let case = answered(I, &format!("status --verify, {name}"), answer).with(VERIFY);
        Case { end: End::Unchanged(0), ..case }
    };
    let dated = |date: &'static str| -> Make {
        Box::new(move |_| Answer::json(200, json!({"data": {"email": EMAIL}})).header("Date", date))
    };
    let mut cases = vec![
        changed(I, "an email that steers", "/data/email", json!(HOSTILE))
            .stores("email_id", HOSTILE)
            .says(&format!("Logged in as {TAMED}.")),
        changed(I, "an empty email", "/data/email", json!("")).stores("email_id", json!(null)),
        changed(I, "a member nobody knows, beyond any number", "/data/extra", verbatim("-1e400")),
        changed(
            I,
            "an email that no config file holds",
            "/data/email",
            json!("e".repeat(MIB - 100)),
        )
        .fails(1, "would become larger than 1 MiB")
        .hides("eee"),
        edited(I, "the email twice", twice("email")).fails(3, SENSELESS),
        answer("lists for objects", 200, json!({"data": [EMAIL]})).fails(3, SENSELESS),
        answer("401", 401, json!({"error": "who?"})).fails(1, "refused the token: who? (401)"),
        answer("401 that steers", 401, json!({"response": {"error": HOSTILE}})).fails(1, TAMED),
        answered(I, "401 that repeats the token", |scene| {
            error(401, &format!("Bearer {}", scene.token))
        })
        .fails(1, "(status 401)"),
        answered(I, "a token hidden in the words", |scene| {
            let (head, tail) = scene.token.split_at(9);
            error(401, &format!("{head}\u{1b}{tail}"))
        })
        .fails(1, "(status 401)"),
        answered(I, "404 with nothing", |_| text(404, "")).fails(1, "an error (status 404)"),
        answer("500", 500, json!({"error": "broken"})).fails(3, "broken (500)"),
        answered(I, "502 as a page", |_| page(502)).fails_thrice("a web page (status 502)"),
        answered(I, "504 with nothing", |_| text(504, "")).fails_thrice("an error (status 504)"),
        answered(I, "503, then a good answer", |_| error(503, "busy")).then_good().waits(&[500]),
        answered(I, "503 for three seconds", |_| error(503, "busy").header("Retry-After", "3"))
            .times(3)
            .fails(3, "busy (503)")
            .waits(&[3000, 3000]),
        answered(I, "503 until a date", |_| {
            error(503, "busy")
                .header("Date", "Tue, 24 Nov 2026 05:37:00 GMT")
                .header("Retry-After", "Tue, 24 Nov 2026 05:37:04 GMT")
        })
        .then_good()
        .waits(&[4000]),
        answered(I, "503 for ever", |_| {
            error(503, "busy").header("Retry-After", "18446744073709551615")
        })
        .fails(3, "busy (503)"),
        answered(I, "503 until the year 9999", |_| {
            error(503, "busy").header("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT")
        })
        .fails(3, "busy (503)"),
        answered(I, "503 for a unexpected time", |_| {
            error(503, "busy").header("Retry-After", "1e400")
        })
        .then_good()
        .waits(&[500]),
        answered(I, "no answer", |_| Answer::hang_up()).fails_thrice(CLOSED),
        raw(I, "half an email", |body| http("HTTP/1.1 200 OK", &body)[..60].to_vec())
            .fails_thrice(CUT),
        answered(I, "a captive portal's page", |_| page(200)).fails(3, PAGE).says(PORTAL),
        answered(I, "a redirect elsewhere", |scene| {
            text(307, "").header("Location", &format!("{}/user/info", scene.elsewhere()))
        })
        .fails(3, REDIRECT),
        verified("a good answer", Box::new(|scene| Answer::json(200, scene.good(I))))
            .says("accepts the token"),
        verified("a date beyond all others", dated("Fri, 31 Dec 9999 23:59:59 GMT"))
            .says("behind the server's"),
        verified("a date before all others", dated("Thu, 01 Jan 1970 00:00:00 GMT"))
            .says("ahead of the server's"),
        verified("a date that is none", dated("now")).says("the server does not tell its own"),
        verified("401", Box::new(|_| error(401, HOSTILE))).fails(1, "refuses the token"),
        verified("a captive portal's page", Box::new(|_| page(200)))
            .fails(3, "could not be asked")
            .says(PORTAL),
        verified(
            "an email of another type",
            Box::new(|_| Answer::json(200, json!({"data": {"email": 5}}))),
        )
        .fails(3, SENSELESS),
    ];
    let unexpected = [
        ("no data", "/data", json!(GONE)),
        ("data nested deep", "/data", nested(100_000)),
        ("no email", "/data/email", json!(GONE)),
        ("an email of null", "/data/email", json!(null)),
        ("an email that is a number", "/data/email", json!(1.5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(I, End::Unchanged(3), unexpected));
    cases
}

fn user_logout() -> Vec<Case> {
    use Call::UserLogout as O;
    let told = |name: &str, answer: Make| answered(O, name, answer).says("You are logged out.");
    let untold = |name: &str, says: &str, answer: Make| {
        answered(O, name, answer).says("the server could not be told").says(says)
    };
    vec![
        told("nothing", Box::new(|_| text(200, ""))),
        told("204", Box::new(|_| Answer::raw("HTTP/1.1 204 No Content\r\n\r\n"))),
        told("an odd answer", Box::new(|_| Answer::json(200, json!([HOSTILE])))).hides("FORGED"),
        told("a token that is no longer good", Box::new(|_| error(401, HOSTILE))).hides("FORGED"),
        told("a token that may not", Box::new(|_| text(403, ""))),
        untold("a captive portal's page", PAGE, Box::new(|_| page(200))),
        untold("a filtering proxy's page", "a web page (status 403)", Box::new(|_| page(403))),
        untold("400 that steers", TAMED, Box::new(|_| error(400, HOSTILE))),
        untold("404 with nothing", "an error (status 404)", Box::new(|_| text(404, ""))),
        untold(
            "500 that repeats the token",
            "(status 500)",
            Box::new(|scene| error(500, &scene.old_token)),
        ),
        untold(
            "503 for a second",
            "busy (503)",
            Box::new(|_| error(503, "busy").header("Retry-After", "1")),
        ),
        untold("429", "slowly (429)", Box::new(|_| error(429, "slowly"))),
        untold("no answer", CLOSED, Box::new(|_| Answer::hang_up())),
        untold("no HTTP", NO_HTTP, Box::new(|_| Answer::raw("SSH-2.0-OpenSSH_9.6\r\n"))),
        untold(
            "a redirect elsewhere",
            REDIRECT,
            Box::new(|scene| {
                text(307, "").header("Location", &format!("{}/user/logout", scene.elsewhere()))
            }),
        ),
    ]
}

// The v2 API. Whatever it answers, the token is kept.

const NAME: &str = "/spec/organizations/0/name";

fn organizations() -> Vec<Case> {
    use Call::UsersMe as O;
    let answer =
        |name, status, body: Value| answered(O, name, move |_| Answer::json(status, body.clone()));
    let several = |name: &str, count: usize| {
        let all: Vec<_> = (0..count)
            .map(|number| json!({"guid": format!("org-{number}"), "name": format!("{HOSTILE}{number}")}))
            .collect();
        changed(O, name, "/spec/organizations", json!(all))
            .login_stands(0, "No organization is selected.")
            .says(TAMED)
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        changed(O, name, pointer, value)
            .login_stands(0, "The account belongs to no organization yet.")
    };
    let mut cases = vec![
        changed(O, "a name that steers", NAME, json!(HOSTILE))
            .stores("organization_name", HOSTILE)
            .says(&format!("Organization: {TAMED} (org-acme)")),
        // It is stored and sent as it came; here nobody has projects under it.
        changed(O, "a GUID that steers", "/spec/organizations/0/guid", json!(HOSTILE))
            .login_stands(1, "no such organization (404)"),
        changed(O, "an empty name", NAME, json!("")).stores("organization_name", ""),
        changed(O, "a name that no config file holds", NAME, json!("n".repeat(MIB - 300)))
            .login_stands(1, "would become larger than 1 MiB")
            .hides("nnn"),
        changed(O, "no short GUID", "/spec/organizations/0/shortGUID", json!(GONE))
            .stores("organization_short_id", ""),
        changed(O, "an email of another type", "/spec/emailID", verbatim("1e400")),
        changed(O, "a member nobody knows, nested deep", "/spec/extra", nested(100_000)),
        edited(O, "a member nobody knows, twice", |body| body.replacen('{', r#"{"x":1,"x":2,"#, 1)),
        answered(O, "JSON that is called a web page", |scene| {
            Answer::text(200, "text/html", scene.good(O).to_string())
        }),
        raw(O, "compressed", |body| encoded("gzip", gzip(body.as_bytes()))),
        several("two whose names steer", 2),
        several("two thousand", 2000),
        none("null for a list", "/spec/organizations", json!(null)),
        none("an empty list", "/spec/organizations", json!([])),
        edited(O, "the GUID twice", twice("guid")).login_stands(3, SENSELESS),
        edited(O, "the list twice", |body| {
            body.replacen("\"organizations\"", "\"organizations\":[],\"organizations\"", 1)
        })
        .login_stands(3, SENSELESS),
        answer("lists for objects", 200, json!({"spec": [[["org-x", "FORGED", "x"]]]}))
            .login_stands(3, SENSELESS)
            .hides("FORGED"),
        answer("an empty object", 200, json!({})).login_stands(3, SENSELESS),
        answer("an array", 200, json!([])).login_stands(3, SENSELESS),
        answered(O, "nothing", |_| text(200, "")).login_stands(3, SENSELESS),
        answer("401 that steers", 401, json!({"error": HOSTILE}))
            .login_stands(1, TAMED)
            .says("you are logged in, but nothing could be selected"),
        answered(O, "403 that repeats the token", |scene| error(403, &scene.token))
            .login_stands(1, "(status 403)"),
        answer("404", 404, json!({"response": {"error": "nobody"}}))
            .login_stands(1, "nobody (404)"),
        answer("429", 429, json!({})).login_stands(3, "(status 429)"),
        answer("500", 500, json!({"error": "broken"})).login_stands(3, "broken (500)"),
        answered(O, "502 as a page", |_| page(502))
            .times(3)
            .login_stands(3, "a web page (status 502)")
            .waits(&RETRIED),
        answered(O, "a captive portal's page", |_| page(200)).login_stands(3, PAGE).says(PORTAL),
        answered(O, "a redirect elsewhere", |scene| {
            text(302, "").header("Location", &format!("{}/v2/users/me/", scene.elsewhere()))
        })
        .login_stands(3, REDIRECT),
        answered(O, "no answer", |_| Answer::hang_up())
            .times(3)
            .login_stands(3, CLOSED)
            .waits(&RETRIED),
        raw(O, "half a list", |body| http("HTTP/1.1 200 OK", &body)[..90].to_vec())
            .times(3)
            .login_stands(3, CUT)
            .waits(&RETRIED),
        edited(O, "1 MiB and a byte", |body| padded(body, MIB + 1)).login_stands(3, LARGE),
    ];
    let unexpected = [
        ("no spec", "/spec", json!(GONE)),
        ("a spec of null", "/spec", json!(null)),
        ("a spec that is text", "/spec", json!("x")),
        ("a spec nested deep", "/spec", nested(100_000)),
        ("no list", "/spec/organizations", json!(GONE)),
        ("an object for a list", "/spec/organizations", json!({})),
        ("a number in the list", "/spec/organizations/0", json!(5)),
        ("null in the list", "/spec/organizations/0", json!(null)),
        ("nothing in an organization", "/spec/organizations/0", json!({})),
        ("no GUID", "/spec/organizations/0/guid", json!(GONE)),
        ("a GUID that is a number", "/spec/organizations/0/guid", json!(u64::MAX)),
        ("an empty GUID", "/spec/organizations/0/guid", json!("")),
        ("a GUID of blanks", "/spec/organizations/0/guid", json!(" \t")),
        ("no name", NAME, json!(GONE)),
        ("a name of null", NAME, json!(null)),
        ("a name that is a number", NAME, json!(-1)),
        ("a short GUID that is a number", "/spec/organizations/0/shortGUID", json!(1.5)),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(O, End::LoginStands(3), unexpected));
    cases
}

fn projects() -> Vec<Case> {
    use Call::Projects as P;
    let answer =
        |name, status, body: Value| answered(P, name, move |_| Answer::json(status, body.clone()));
    let many = |count: usize, next: Value| {
        let one =
            |number| json!({"metadata": {"guid": format!("project-{number}"), "name": HOSTILE}});
        let items: Vec<_> = (0..count).map(one).collect();
        render(&json!({"metadata": {"continue": next}, "items": items}))
    };
    let undecided = |name: &str, body: String| {
        answered(P, name, move |_| Answer::text(200, "application/json", body.clone()))
            .says("No project is selected.")
            .says(TAMED)
            .stores("project_id", json!(null))
            .stores("project_name", json!(null))
    };
    let none = |name: &str, pointer: &'static str, value: Value| {
        changed(P, name, pointer, value)
            .says("The organization has no projects yet.")
            .stores("project_id", "")
            .stores("project_name", "")
    };
    let named = "/items/0/metadata/name";
    let empty = |_: &Scene| Answer::json(200, json!({"metadata": {}, "items": []}));
    let mut cases = vec![
        changed(P, "a name that steers", named, json!(HOSTILE))
            .stores("project_name", HOSTILE)
            .says(&format!("Project: {TAMED} (project-acmefleet)")),
        changed(P, "a GUID that steers", "/items/0/metadata/guid", json!(HOSTILE))
            .stores("project_id", HOSTILE)
            .says(&format!("Project: fleet ({TAMED})")),
        changed(
            P,
            "a member nobody knows, beyond any number",
            "/items/0/metadata/extra",
            verbatim("1e400"),
        ),
        changed(P, "a member nobody knows, nested deep", "/extra", nested(100_000)),
        none("null for a list", "/items", json!(null)),
        none("an empty list", "/items", json!([])),
        undecided("two whose names steer", many(2, json!(2))),
        // A page that is full says where to go on; what makes no sense there is the end.
        undecided("a full page that goes on at 2^64-1", many(100, json!(u64::MAX))).then(empty),
        undecided(
            "a full page that goes on beyond it",
            many(100, verbatim("18446744073709551616")),
        )
        .then(empty),
        undecided("a full page that goes on at the same place", many(100, json!(0))),
        undecided("a full page that goes on at -1", many(100, json!(-1))),
        undecided("a full page that goes on nowhere", many(100, json!(null))),
        undecided("a page that is too full", many(5000, json!(1))).then(empty),
        edited(P, "the list twice", |body| body.replacen('{', r#"{"items":[],"#, 1))
            .login_stands(3, SENSELESS),
        edited(P, "the GUID twice", twice("guid")).login_stands(3, SENSELESS),
        answer("lists for objects", 200, json!({"items": [[["project-x", "FORGED"]]]}))
            .login_stands(3, SENSELESS)
            .hides("FORGED"),
        answered(P, "nothing", |_| text(200, "")).login_stands(3, SENSELESS),
        answer("401", 401, json!({"error": "who?"})).login_stands(1, "who? (401)"),
        answer("403 that steers", 403, json!({"error": HOSTILE})).login_stands(1, TAMED),
        answered(P, "400 that repeats the token", |scene| error(400, &scene.token))
            .login_stands(1, "an error (status 400)"),
        answered(P, "404 as a page", |_| page(404)).login_stands(3, PORTAL),
        answer("500", 500, json!({"error": "broken"})).login_stands(3, "broken (500)"),
        answered(P, "503 for two seconds", |_| error(503, "busy").header("Retry-After", "2"))
            .times(3)
            .login_stands(3, "busy (503)")
            .waits(&[2000, 2000]),
        answered(P, "a redirect elsewhere", |scene| {
            text(301, "").header("Location", &format!("{}/v2/projects/", scene.elsewhere()))
        })
        .login_stands(3, REDIRECT),
        answered(P, "no answer, then a good one", |_| Answer::hang_up()).then_good().waits(&[500]),
        raw(P, "half a list", |body| http("HTTP/1.1 200 OK", &body)[..90].to_vec())
            .times(3)
            .login_stands(3, CUT)
            .waits(&RETRIED),
        raw(P, "a bomb", |_| encoded("gzip", gzip_bomb())).login_stands(3, LARGE),
    ];
    // Of a page that is not full it does not matter where the next would begin.
    for (name, pointer, value) in [
        ("going on at -1", "/metadata/continue", json!(-1)),
        ("going on at 1.5", "/metadata/continue", json!(1.5)),
        ("going on at 1e400", "/metadata/continue", verbatim("1e400")),
        ("going on at 2^64", "/metadata/continue", verbatim("18446744073709551616")),
        ("going on at a word", "/metadata/continue", json!("next")),
        ("going on at a number in quotes", "/metadata/continue", json!("1")),
        ("going on at an empty word", "/metadata/continue", json!("")),
        ("going on deep", "/metadata/continue", nested(10_000)),
        ("going on nowhere", "/metadata/continue", json!(GONE)),
        ("metadata of null", "/metadata", json!(null)),
        ("no metadata", "/metadata", json!(GONE)),
    ] {
        cases.push(changed(P, name, pointer, value));
    }
    let unexpected = [
        ("no list", "/items", json!(GONE)),
        ("an object for a list", "/items", json!({})),
        ("a number in the list", "/items/0", json!(1.5)),
        ("null in the list", "/items/0", json!(null)),
        ("nothing in a project", "/items/0", json!({})),
        ("metadata that is text", "/items/0/metadata", json!("project-x")),
        ("no GUID", "/items/0/metadata/guid", json!(GONE)),
        ("a GUID that is a number", "/items/0/metadata/guid", json!(5)),
        ("an empty GUID", "/items/0/metadata/guid", json!("")),
        ("a GUID of blanks", "/items/0/metadata/guid", json!(" \t")),
        ("no name", named, json!(GONE)),
        ("a name in a list", named, json!(["fleet"])),
    ];
    let unexpected = unexpected.map(|(name, pointer, value)| (name, pointer, value, SENSELESS));
    cases.extend(rows(P, End::LoginStands(3), unexpected));
    cases
}

// HTTP itself, by the call that carries a password and is never sent twice

fn heads() -> Vec<Case> {
    use Call::UserLogin as L;
    let head = |name: &str, head: &str| {
        let head = head.to_owned();
        raw(L, name, move |body| http(&head, body))
    };
    let ok = |name: &str, header: &str| head(name, &format!("HTTP/1.1 200 OK\r\n{header}"));
    let filler = |count: usize, line: &str| {
        (0..count).map(|number| format!("X-{number}: {line}")).collect::<Vec<_>>().join("\r\n")
    };
    vec![
        head("HTTP/1.0", "HTTP/1.0 200 OK"),
        head("HTTP/1.0 that keeps the connection", "HTTP/1.0 200 OK\r\nConnection: keep-alive"),
        head("no reason", "HTTP/1.1 200 "),
        head("no reason and no blank", "HTTP/1.1 200"),
        head("a reason of many words", "HTTP/1.1 200 All is well, 100 %"),
        head("299", "HTTP/1.1 299 Odd"),
        head("blank lines before it", "\r\n\r\nHTTP/1.1 200 OK"),
        head("100 before it", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
        head("102 before it", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK"),
        head("103 before it", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK"),
        ok("small letters and no blank", "content-type:application/json"),
        ok("an empty header", "X-Empty:"),
        ok("a cookie that steers nothing", "Set-Cookie: a=b; Domain=evil.example"),
        ok("a hundred headers", &filler(100, "y")),
        ok("30 KB of headers", &filler(3, &"y".repeat(10_000))),
        raw(L, "line feeds alone", |body| {
            format!("HTTP/1.1 200 OK\nX: y\nContent-Length: {}\n\n{body}", body.len()).into_bytes()
        }),
        // What is no HTTP.
        head("a status line that is missing", "Content-Type: application/json").fails(3, NO_HTTP),
        raw(L, "JSON alone", |body| body.into_bytes()).fails(3, NO_HTTP),
        head("a status of two digits", "HTTP/1.1 20 OK").fails(3, NO_HTTP),
        head("a status of four digits", "HTTP/1.1 2000 OK").fails(3, NO_HTTP),
        head("a status below zero", "HTTP/1.1 -20 OK").fails(3, NO_HTTP),
        head("a status in words", "HTTP/1.1 OK").fails(3, NO_HTTP),
        head("HTTP/2", "HTTP/2 200 OK").fails(3, NO_HTTP),
        head("HTTP/1.2", "HTTP/1.2 200 OK").fails(3, NO_HTTP),
        head("small letters", "http/1.1 200 OK").fails(3, NO_HTTP),
        head("a radio station", "ICY 200 OK").fails(3, NO_HTTP),
        head("a reason that steers", &format!("HTTP/1.1 200 {HOSTILE}")).fails(3, NO_HTTP),
        ok("ESC in a header", "X: \u{1b}[2J").fails(3, NO_HTTP),
        ok("NUL in a header", "X: a\0b").fails(3, NO_HTTP),
        ok("a blank in a name", "X Y: z").fails(3, NO_HTTP),
        ok("a header without a name", ": z").fails(3, NO_HTTP),
        ok("a header without a colon", "nonsense").fails(3, NO_HTTP),
        ok("a header that is continued", "X: a\r\n  b").fails(3, NO_HTTP),
        ok("200 headers", &filler(200, "y")).fails(3, NO_HTTP),
        ok("70 KB of headers", &filler(7, &"y".repeat(10_000))).fails(3, NO_HTTP),
        ok("one header of 70 KB", &filler(1, &"y".repeat(70_000))).fails(3, NO_HTTP),
        raw(L, "100 and nothing more", |_| b"HTTP/1.1 100 Continue\r\n\r\n".to_vec())
            .fails(3, CLOSED),
        raw(L, "100 without end", |_| "HTTP/1.1 100 Continue\r\n\r\n".repeat(10_000).into_bytes())
            .fails(3, NO_HTTP),
        head("another protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x").fails(3, "(status 101)"),
        raw(L, "half a status line", |_| b"HTTP/1.1 2".to_vec()).fails(3, CLOSED),
        raw(L, "a head without end", |_| b"HTTP/1.1 200 OK\r\nX: y\r\n".to_vec()).fails(3, CLOSED),
        // What is HTTP, and not what was asked for.
        raw(L, "204", |_| b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()).fails(3, "(status 204)"),
        raw(L, "204 with a body", |body| http("HTTP/1.1 204 No Content", body))
            .fails(3, "(status 204)"),
        raw(L, "205", |_| http("HTTP/1.1 205 Reset", "")).fails(3, "(status 205)"),
        head("600", "HTTP/1.1 600 Odd").fails(3, "an error (status 600)").says(OWN_TROUBLE),
        head("999", "HTTP/1.1 999 Odd").fails(3, "an error (status 999)").says(OWN_TROUBLE),
    ]
}

fn bodies() -> Vec<Case> {
    use Call::UserLogin as L;
    let length = |name: &str, length: &'static str| {
        raw(L, name, move |body| {
            let length = length.replace("LENGTH", &body.len().to_string());
            format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n{body}").into_bytes()
        })
    };
    fn chunks(name: &str, chunks: impl Fn(&str, String) -> String + 'static) -> Case {
        raw(L, name, move |body| {
            let length = format!("{:x}", body.len());
            chunked(&chunks(&body, length))
        })
    }
    fn zipped(
        name: &str,
        encoding: &'static str,
        edit: impl Fn(Vec<u8>) -> Vec<u8> + 'static,
    ) -> Case {
        raw(L, name, move |body| encoded(encoding, edit(gzip(body.as_bytes()))))
    }
    let plain =
        |name: &str, encoding: &'static str| raw(L, name, move |body| encoded(encoding, body));
    vec![
        // Lengths.
        length("the length twice", "Content-Length: LENGTH\r\nContent-Length: LENGTH"),
        length("no length", "X: y"),
        length("no length, and the end is told", "Connection: close"),
        length("a length that is too small", "Content-Length: 20").fails(3, SENSELESS),
        length("a length of nothing", "Content-Length: 0").fails(3, SENSELESS),
        length("a length that is too large", "Content-Length: 9999").fails(3, CUT),
        length("a length of 2^64-1", "Content-Length: 18446744073709551615").fails(3, CUT),
        length("a length of 2^64", "Content-Length: 18446744073709551616").fails(3, NO_HTTP),
        length("a length below zero", "Content-Length: -1").fails(3, NO_HTTP),
        length("a length with a fraction", "Content-Length: 1.5").fails(3, NO_HTTP),
        length("a length in hexadecimal", "Content-Length: 0x20").fails(3, NO_HTTP),
        length("an empty length", "Content-Length: ").fails(3, NO_HTTP),
        length("two lengths", "Content-Length: 5\r\nContent-Length: LENGTH").fails(3, NO_HTTP),
        // Chunks.
        chunks("one chunk", |body, length| format!("{length}\r\n{body}\r\n0\r\n\r\n")),
        chunks("a byte a chunk", |body, _| {
            body.chars().map(|c| format!("1\r\n{c}\r\n")).collect::<String>() + "0\r\n\r\n"
        }),
        chunks("an extension", |body, length| format!("{length};a=\"b\"\r\n{body}\r\n0\r\n\r\n")),
        chunks("large letters and zeros before", |body, length| {
            format!("000{}\r\n{body}\r\n000\r\n\r\n", length.to_uppercase())
        }),
        chunks("a trailer", |body, length| format!("{length}\r\n{body}\r\n0\r\nX-Sum: 5\r\n\r\n")),
        chunks("no chunk", |_, _| "0\r\n\r\n".to_owned()).fails(3, SENSELESS),
        chunks("no last chunk", |body, length| format!("{length}\r\n{body}\r\n")).fails(3, CUT),
        chunks("a chunk that is too short", |body, _| format!("ffff\r\n{body}")).fails(3, CUT),
        chunks("a chunk that is too long", |body, _| format!("5\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a chunk of 2^64", |body, _| format!("10000000000000000\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a chunk below zero", |body, _| format!("-5\r\n{body}\r\n0\r\n\r\n")).fails(3, CUT),
        chunks("a chunk of words", |body, _| format!("xyz\r\n{body}\r\n0\r\n\r\n")).fails(3, CUT),
        chunks("a chunk without a size", |body, _| format!("\r\n{body}\r\n0\r\n\r\n"))
            .fails(3, CUT),
        chunks("a size without end", |_, _| "0".repeat(100_000)).fails(3, CUT),
        chunks("an extension without end", |_, _| format!("5;{}", "x".repeat(100_000)))
            .fails(3, CUT),
        chunks("a trailer that steers", |body, length| {
            format!("{length}\r\n{body}\r\n0\r\nX: {HOSTILE}\r\n\r\n")
        })
        .hides("FORGED"),
        chunks("100 MB of spaces", |_, _| format!("5f5e100\r\n{}", " ".repeat(2 * MIB)))
            .fails(3, LARGE),
        length("chunks that are none", "Transfer-Encoding: chunked").fails(3, CUT),
        length("another transfer encoding", "Transfer-Encoding: gzip"),
        // Encodings.
        zipped("gzip", "gzip", |bytes| bytes),
        plain("no encoding by name", "identity"),
        zipped("gzip in large letters", "GZIP", |bytes| bytes).fails(3, SENSELESS),
        zipped("gzip that is not told", "identity", |bytes| bytes).fails(3, SENSELESS),
        zipped("gzip within gzip", "gzip", |bytes| gzip(&bytes)).fails(3, SENSELESS),
        zipped("gzip within gzip, told so", "gzip, gzip", |bytes| gzip(&bytes)).fails(3, SENSELESS),
        plain("gzip that is none", "gzip").fails(3, CUT),
        zipped("half of gzip", "gzip", |bytes| bytes[..40].to_vec()).fails(3, CUT),
        zipped("gzip without its end", "gzip", |bytes| bytes[..bytes.len() - 8].to_vec())
            .fails(3, CUT),
        zipped("gzip with a wrong sum", "gzip", |mut bytes| {
            let at = bytes.len() - 8;
            bytes[at] ^= 1;
            bytes
        })
        .fails(3, CUT),
        raw(L, "nothing that is called gzip", |_| encoded("gzip", "")).fails(3, CUT),
        // A wrong label does not matter where what is under it can be read.
        plain("br that is none", "br"),
        plain("deflate that is none", "deflate"),
        plain("an encoding that nobody knows", "x-FORGED").hides("FORGED"),
        raw(L, "br", |_| encoded("br", b"\x0b\x02\x80{}\x03")).fails(3, SENSELESS),
        raw(L, "a web page in gzip", |_| encoded("gzip", gzip(b"<html><h1>Hotel</h1>")))
            .fails(3, PAGE),
        // Sizes.
        raw(L, "a byte less than 1 MiB", |body| http("HTTP/1.1 200 OK", padded(body, MIB - 1))),
        raw(L, "1 MiB", |body| http("HTTP/1.1 200 OK", padded(body, MIB))),
        raw(L, "1 MiB in gzip", |body| encoded("gzip", gzip(padded(body, MIB).as_bytes()))),
        raw(L, "1 MiB without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB)).into_bytes()
        }),
        raw(L, "1 MiB and a byte", |body| http("HTTP/1.1 200 OK", padded(body, MIB + 1)))
            .fails(3, LARGE),
        raw(L, "1 MiB and a byte in gzip", |body| {
            encoded("gzip", gzip(padded(body, MIB + 1).as_bytes()))
        })
        .fails(3, LARGE),
        raw(L, "1 MiB and a byte without a length", |body| {
            format!("HTTP/1.1 200 OK\r\n\r\n{}", padded(body, MIB + 1)).into_bytes()
        })
        .fails(3, LARGE),
        raw(L, "a bomb of 64 MiB", |_| encoded("gzip", gzip_bomb())).fails(3, LARGE),
        raw(L, "an error of 2 MiB", |_| http("HTTP/1.1 500 Broken", " ".repeat(2 * MIB)))
            .fails(3, "more than 1 MiB (status 500)"),
        raw(L, "100 MB that break off", |body| {
            format!("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{body}").into_bytes()
        })
        .fails(3, CUT),
        // Texts.
        raw(L, "nothing", |_| http("HTTP/1.1 200 OK", "")).fails(3, SENSELESS),
        raw(L, "zeros", |_| http("HTTP/1.1 200 OK", [0; 1000])).fails(3, SENSELESS),
        raw(L, "what steers", |_| http("HTTP/1.1 200 OK", HOSTILE))
            .fails(3, SENSELESS)
            .hides("FORGED"),
        raw(L, "no UTF-8 within the token", |_| {
            http("HTTP/1.1 200 OK", b"{\"data\":{\"token\":\"\xff\xfe\"}}")
        })
        .fails(3, SENSELESS),
        raw(L, "half a character", |_| http("HTTP/1.1 200 OK", r#"{"data":{"token":"\ud800"}}"#))
            .fails(3, SENSELESS),
        raw(L, "a line break within the token", |_| {
            http("HTTP/1.1 200 OK", "{\"data\":{\"token\":\"a\nb\"}}")
        })
        .fails(3, SENSELESS),
        raw(L, "brackets without end", |_| http("HTTP/1.1 200 OK", "[{".repeat(500_000)))
            .fails(3, SENSELESS),
        raw(L, "braces without end", |_| http("HTTP/1.1 200 OK", r#"{"data":"#.repeat(100_000)))
            .fails(3, SENSELESS),
        raw(L, "a number without end", |_| {
            http("HTTP/1.1 200 OK", format!("{{\"data\":{}}}", "9".repeat(900_000)))
        })
        .fails(3, SENSELESS),
    ]
}

/// Every kind of redirect, from a POST that carries a password.
fn redirects() -> Vec<Case> {
    use Call::UserLogin as L;
    let to = |name: &str, status: u16, location: fn(&Scene) -> String| {
        answered(L, &format!("redirect, {name}"), move |scene| {
            text(status, "moved").header("Location", &location(scene))
        })
        .fails(3, &format!("{REDIRECT} (status {status})"))
        .says(PORTAL)
    };
    let bare = |name: &str, bytes: &str| {
        let bytes = bytes.to_owned();
        answered(L, &format!("redirect, {name}"), move |_| Answer::raw(bytes.as_bytes()))
    };
    let elsewhere: fn(&Scene) -> String = |scene| format!("{}/user/login", scene.elsewhere());
    let mut cases: Vec<Case> = [300, 301, 302, 303, 304, 305, 306, 307, 308, 399]
        .into_iter()
        .map(|status| to(&format!("{status} elsewhere"), status, elsewhere))
        .collect();
    for status in [301, 302, 303, 307, 308] {
        cases.push(to(&format!("{status} to itself"), status, |_| {
            "/user/login?type=med".to_owned()
        }));
    }
    cases.extend([
        to("to a relative path", 302, |_| "../login".to_owned()),
        to("to another scheme", 302, |scene| scene.elsewhere().replace("http:", "ftp:")),
        to("without a scheme", 307, |scene| scene.elsewhere().replace("http:", "")),
        to("to a script", 302, |_| "javascript:alert(1)".to_owned()),
        to("to nothing", 302, |_| String::new()),
        to("to words", 302, |_| "the hotel's lounge".to_owned()).hides("lounge"),
        bare("nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").fails(3, REDIRECT),
        bare("nowhere, with a page", "HTTP/1.1 301 Moved\r\nContent-Length: 6\r\n\r\n<html>")
            .fails(3, REDIRECT),
        bare("304 with nothing", "HTTP/1.1 304 Not Modified\r\n\r\n").fails(3, REDIRECT),
        bare("to where it steers", "HTTP/1.1 302 Found\r\nLocation: \u{1b}]0;x\u{7}\r\n\r\n")
            .fails(3, NO_HTTP),
        bare("to where no ASCII is", "HTTP/1.1 302 Found\r\nLocation: http://\u{9b}31m/\r\n\r\n")
            .fails(3, REDIRECT),
        bare("to two places", "HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n")
            .fails(3, REDIRECT),
        bare("with half a body", "HTTP/1.1 307 Moved\r\nContent-Length: 90\r\n\r\n{")
            .fails(3, REDIRECT),
    ]);
    cases
}

/// The same hostility to a program that reads the events of `--json`.
fn json_events() -> Vec<Case> {
    let json = |case: Case| case.with(&["auth", "login", "--json"]);
    vec![
        json(changed(Call::Discovery, "--json, an issuer that steers", "/issuer", json!(HOSTILE)))
            .fails(1, "\"event\":\"error\""),
        json(changed(
            Call::DeviceAuthorization,
            "--json, a code that steers",
            "/user_code",
            json!("A\u{9b}B"),
        ))
        .fails(1, "\"event\":\"error\""),
        json(changed(
            Call::DeviceAuthorization,
            "--json, a life of 2^64-1",
            "/expires_in",
            json!(u64::MAX),
        ))
        .says("\"expires_in\":86400"),
        json(answered(Call::Token, "--json, a no that steers", |_| error(400, HOSTILE)))
            .fails(1, "\"event\":\"error\""),
        json(answered(Call::Token, "--json, trouble", |_| page(502)).then_good())
            .waits(&[POLL, LATER])
            .says("\"event\":\"retrying\""),
        json(with_claims("--json, an email that steers", |claims| {
            claims.replace(EMAIL, json!(HOSTILE).to_string().trim_matches('"'))
        }))
        .stores("email_id", HOSTILE)
        .says("ab\\u001b[2J"),
        json(changed(Call::UsersMe, "--json, a name that steers", NAME, json!(HOSTILE)))
            .with(&["auth", "login", "--json", "--email", EMAIL, "--password", "-"])
            .stores("organization_name", HOSTILE)
            .says("\\u009b31m\\u202e"),
    ]
}

// The groups

type Group = fn() -> Vec<Case>;

const GROUPS: [Group; 15] = [
    discovery,
    device_authorization,
    polling,
    tokens,
    id_token,
    user_login,
    refresh_token,
    user_info,
    user_logout,
    organizations,
    projects,
    heads,
    bodies,
    redirects,
    json_events,
];

#[test]
fn whatever_answers_the_discovery_is_told_or_used() {
    run(discovery());
}

#[test]
fn whatever_answers_the_request_for_a_code_is_told_or_used() {
    run(device_authorization());
}

#[test]
fn whatever_answers_a_poll_ends_the_wait_or_does_not() {
    run(polling());
}

#[test]
fn whatever_comes_for_tokens_is_told_or_used() {
    run(tokens());
}

#[test]
fn whatever_an_id_token_holds_is_told_or_used() {
    run(id_token());
}

#[test]
fn whatever_answers_a_login_by_password_is_told_or_used() {
    run(user_login());
}

#[test]
fn whatever_answers_a_refresh_is_told_or_used() {
    run(refresh_token());
}

#[test]
fn whatever_answers_the_check_of_a_token_is_told_or_used() {
    run(user_info());
}

#[test]
fn whatever_answers_a_logout_the_login_is_forgotten() {
    run(user_logout());
}

#[test]
fn whatever_comes_for_organizations_the_login_stands() {
    run(organizations());
}

#[test]
fn whatever_comes_for_projects_the_login_stands() {
    run(projects());
}

#[test]
fn whatever_an_answer_begins_with_is_told_or_used() {
    run(heads());
}

#[test]
fn whatever_body_an_answer_has_is_told_or_used() {
    run(bodies());
}

#[test]
fn whatever_the_redirect_nobody_is_called() {
    run(redirects());
}

#[test]
fn whatever_comes_the_events_of_json_are_json() {
    run(json_events());
}

#[test]
fn the_cases_are_many_and_each_has_a_name_of_its_own() {
    let mut names: Vec<_> = GROUPS.iter().flat_map(|group| group()).map(|case| case.name).collect();
    let count = names.len();
    println!("{count} cases");
    assert!(count >= 120, "{count} cases");
    names.sort();
    let repeated: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
}

// What takes real time

/// A server that takes one connection, and then its time.
struct SlowServer {
    url: String,
    thread: JoinHandle<()>,
}

impl SlowServer {
    /// Answers `at_once`, and then one byte of `slowly` a second until the client has had enough.
    fn start(at_once: &'static [u8], slowly: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let thread = thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            SlowServer::serve(&client, at_once, slowly);
        });
        SlowServer { url, thread }
    }

    fn serve(mut client: &TcpStream, at_once: &[u8], slowly: &[u8]) {
        let mut request = [0; 4096];
        assert_ne!(client.read(&mut request).unwrap(), 0, "a client that asks nothing");
        client.write_all(at_once).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut rest = slowly.iter();
        // What is read here is the rest of the request, nothing for a second, or the client's end.
        while !matches!(client.read(&mut request), Ok(0)) {
            if let Some(byte) = rest.next() {
                // A client that has gone away is no fault of the server's.
                let _ = client.write_all(&[*byte]);
            }
        }
    }

    /// What `rio` says on this server, and how long it takes.
    #[expect(clippy::disallowed_methods, reason = "the limits of a request are real time")]
    fn ask(self, arguments: &[&str]) -> (Outcome, Duration, Robot) {
        let robot = Robot::new();
        robot.write_config(&json!({
            "rip_host": self.url, "auth_token": "t0ken-that-nobody-sees", "email_id": EMAIL,
        }));
        let start = Instant::now();
        let outcome = robot.rio(arguments).stdin(PASSWORD).run_at(&FakeClock::new());
        let took = start.elapsed();
        self.thread.join().unwrap();
        (outcome.hides(PASSWORD).hides("t0ken"), took, robot)
    }
}

#[test]
fn a_server_that_takes_its_time_is_left_after_thirty_seconds() {
    let (nothing, head) = (&b""[..], &b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"[..]);
    let slow = [
        ("silence", nothing, nothing, "did not answer in time"),
        ("silence in the body", head, nothing, CUT),
        ("a byte a second", nothing, head, "did not answer in time"),
    ];
    let asked = slow.map(|(name, at_once, slowly, says)| {
        let asked = thread::spawn(move || {
            let (outcome, took, robot) =
                SlowServer::start(at_once, slowly).ask(&["auth", "token", "--password", "-"]);
            assert!((29..40).contains(&took.as_secs()), "{name}: {took:?}\n{outcome}");
            check_error(&outcome.stderr, &|holds, wanted| assert!(holds, "{name}: {wanted}"));
            outcome.exits(3).prints("").says(says).says("127.0.0.1:");
            assert_eq!(robot.config()["auth_token"], "t0ken-that-nobody-sees");
        });
        (name, asked)
    });
    let failed: Vec<_> =
        asked.into_iter().filter_map(|(name, asked)| asked.join().err().map(|_| name)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_server_that_takes_its_time_holds_a_logout_up_for_five_seconds() {
    let server = SlowServer::start(b"", b"HTTP/1.1 200 OK\r\n");
    let url = server.url.clone();
    let (outcome, took, robot) = server.ask(&["auth", "logout"]);
    assert!((4..8).contains(&took.as_secs()), "{took:?}\n{outcome}");
    outcome.exits(0).prints("").says("could not be told").says("did not answer in time");
    assert_eq!(robot.config(), json!({"rip_host": url}));
}

#[test]
fn a_connection_that_is_reset_is_trouble_of_the_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // A connection that ends with something unread in it is reset.
    let thread = thread::spawn(move || {
        listener.accept().unwrap().0.peek(&mut [0]).unwrap();
    });
    let (outcome, _, robot) = SlowServer { url, thread }.ask(&["auth", "refresh-token"]);
    outcome.exits(3).prints("").says(CLOSED).says("127.0.0.1:");
    assert_eq!(robot.config()["auth_token"], "t0ken-that-nobody-sees");
}
