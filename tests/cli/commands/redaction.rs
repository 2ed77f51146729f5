//! No command shows a secret, whether it succeeds or fails, and with RIO_DEBUG.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use platform::{Answer, Call, EMAIL, Platform, User, World};
use serde_json::{Value, json};

use crate::robot::{ClosedPort, FakeClock, Outcome, Robot};

/// A part of every secret.
const MARK: &str = "s3ntinel";

const PASSWORD: &str = "pass-s3ntinel \"quoted\" \\ wörd";
const STORED: &str = "stored-s3ntinel";
const NEW: &str = "new-s3ntinel";
const DEVICE_CODE: &str = "device-s3ntinel";
const ACCESS_TOKEN: &str = "access-s3ntinel";
const PROXY_USER: &str = "ada:proxy-s3ntinel";

/// Counts runs and collects those that show a secret.
#[derive(Default)]
struct Search {
    runs: usize,
    leaks: Vec<String>,
}

impl Search {
    /// Neither stream may hold a secret. The exit code, if given, proves that the run got as far as
    /// intended.
    fn expect_none(&mut self, name: &str, code: impl Into<Option<i32>>, outcome: Outcome) {
        self.look(name, code.into(), &outcome, &outcome.stdout);
    }

    /// Standard output holds the token that the user asked for, and no other secret.
    fn expect_in_result(&mut self, name: &str, token: &str, outcome: Outcome) {
        let result = outcome.stdout.strip_prefix(token).unwrap_or("no token");
        let rest = if result == "\n" { "" } else { MARK };
        self.look(name, Some(0), &outcome, rest);
    }

    fn look(&mut self, name: &str, code: Option<i32>, outcome: &Outcome, stdout: &str) {
        self.runs += 1;
        if code.is_some() && outcome.code != code {
            self.leaks.push(format!("{name}: wanted exit code {code:?}\n{outcome}"));
        }
        let shown = [stdout, &outcome.stderr].concat();
        let encoded = [STANDARD.encode(PROXY_USER), URL_SAFE_NO_PAD.encode(MARK)];
        let found = shown.contains(MARK) || encoded.iter().any(|text| shown.contains(text));
        if found || shown.contains("panicked") {
            self.leaks.push(format!("{name}: a secret is shown\n{outcome}"));
        }
    }
}

/// A platform whose user has `PASSWORD`.
fn start() -> Platform {
    let user = User { email: EMAIL.into(), password: PASSWORD.into(), name: "Ada".into() };
    let platform = Platform::with(World { users: vec![user], ..World::default() });
    platform.allow_early_polls();
    platform
}

/// A robot that is logged in with the token `STORED` and writes a trace.
fn robot_of(platform: &Platform) -> Robot {
    let robot = Robot::new().env("RIO_DEBUG", "1");
    let mut config = platform.config();
    config["auth_token"] = STORED.into();
    config["email_id"] = EMAIL.into();
    robot.write_config(&config);
    robot
}

/// Runs a command on a robot of the platform.
fn run(platform: &Platform, arguments: &[&str], stdin: &str) -> Outcome {
    robot_of(platform).rio(arguments).stdin(stdin).run_at(&FakeClock::new())
}

/// Error responses that repeat what the server received, and the exit code that each leads to.
fn echoes(secret: &str) -> Vec<(String, Answer, Option<i32>)> {
    let words = format!("I do not like {secret} at all");
    let shapes = [
        ("error", json!({"error": words})),
        ("error_description", json!({"error": secret, "error_description": words})),
        ("response.error", json!({"response": {"error": words}})),
        // The secret only appears once the invisible characters are removed.
        ("pieces", json!({"error": "odd", "error_description": in_pieces(&words)})),
        ("an error that is an object", json!({"error": {"you_sent": secret}})),
        ("an unknown member", json!({"message": words})),
    ];
    let mut echoes = Vec::new();
    for (status, code) in [(400, 1), (401, 1), (500, 3)] {
        for (name, body) in &shapes {
            let name = format!("{status} with {secret} in {name}");
            echoes.push((name, Answer::json(status, body.clone()), Some(code)));
        }
    }
    let html = Answer::text(403, "text/html", format!("<p>{words}</p>"));
    echoes.push((format!("HTML with {secret}"), html, None));
    let text = Answer::text(400, "text/plain", words);
    echoes.push((format!("400 with {secret} as text"), text, Some(3)));
    let redirect = Answer::text(307, "text/plain", "").header("Location", "/elsewhere?s3ntinel");
    echoes.push((format!("a redirect after {secret}"), redirect, Some(3)));
    echoes
}

/// The text with invisible characters in between.
fn in_pieces(text: &str) -> String {
    text.chars().flat_map(|c| [c, '\u{7}', '\u{202e}']).collect()
}

/// Successful responses with a token in the wrong place, and the exit code.
fn unexpected(token: &str) -> Vec<(String, Answer, i32)> {
    let json = |body: Value| Answer::json(200, body);
    let text = |body: String| Answer::text(200, "application/json", body);
    let blank = format!("{token} and more");
    let data = |data: Value| json(json!({"data": data}));
    let mut answers = vec![
        (
            "a list for a token",
            data(json!({"token": [token], "Token": [token], "email": [token]})),
            1,
        ),
        ("an object for a token", data(json!({"token": {"value": token}, "email": {token: 1}})), 1),
        ("text for data", data(json!(token)), 1),
        ("a token with blanks", data(json!({"token": blank, "email": 5})), 1),
        ("a token as a name", data(json!({token: 1})), 1),
        ("text alone", json(json!(token)), 1),
        ("broken JSON", text(format!("{{\"data\":{{\"token\":\"{token}\",}}}}")), 3),
        ("cut JSON", text(format!("{{\"data\":{{\"token\":\"{token}")), 3),
        ("no JSON", text(token.to_owned()), 3),
    ];
    answers
        .drain(..)
        .map(|(name, answer, code)| (format!("{name}: {token}"), answer, code))
        .collect()
}

#[test]
fn no_command_shows_a_secret() {
    let mut search = Search::default();
    device_flow(&mut search);
    passwords(&mut search);
    tokens(&mut search);
    selections(&mut search);
    other_commands(&mut search);
    usage_errors(&mut search);
    bad_config_files(&mut search);
    proxies(&mut search);
    assert!(search.runs > 200, "only {} runs were looked at", search.runs);
    let (leaks, count) = (search.leaks.join("\n\n"), search.leaks.len());
    assert!(search.leaks.is_empty(), "{count} of {} runs:\n\n{leaks}", search.runs);
}

/// An id_token whose signature contains `MARK`.
fn id_token(header: Value, claims: Value) -> String {
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}.{MARK}", encode(header), encode(claims))
}

fn device_flow(search: &mut Search) {
    let offer = |platform: &Platform| {
        json!({
            "device_code": DEVICE_CODE,
            "user_code": "WDJB-MJHT",
            "verification_uri": format!("{}/device", platform.url()),
            "expires_in": 20,
            "interval": 5,
        })
    };
    let tokens = |platform: &Platform, header: Value, changes: Value| {
        let mut claims = platform.claims();
        claims["rio_token"] = NEW.into();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({
            "access_token": ACCESS_TOKEN,
            "refresh_token": ACCESS_TOKEN,
            "token_type": "bearer",
            "id_token": id_token(header, claims),
        })
    };
    let good = json!({"alg": "RS256"});
    type Make<'a> = Box<dyn Fn(&Platform) -> Answer + 'a>;
    let mut polls: Vec<(String, i32, Make)> = Vec::new();
    let mut add = |name: &str, code, make: Make<'static>| polls.push((name.into(), code, make));
    for (name, code, header, changes) in [
        // The platform does not know the scripted token, so selecting an organization fails.
        ("a good id_token", 1, good.clone(), json!({})),
        ("an unsigned id_token", 1, json!({"alg": "none"}), json!({})),
        ("another audience", 1, good.clone(), json!({"aud": "other"})),
        ("another issuer", 1, good.clone(), json!({"iss": "https://evil.example"})),
        ("an old id_token", 1, good.clone(), json!({"exp": 5})),
        ("a rio_token with a blank", 1, good.clone(), json!({"rio_token": "new-s3ntinel x"})),
        ("a rio_token in a list", 1, good.clone(), json!({"rio_token": [NEW]})),
    ] {
        add(
            name,
            code,
            Box::new(move |platform| {
                Answer::json(200, tokens(platform, header.clone(), changes.clone()))
            }),
        );
    }
    let header = good;
    for (name, code, changes) in [
        ("an id_token that is none", 1, json!({"id_token": "id-s3ntinel"})),
        ("an id_token that is an object", 1, json!({"id_token": {"raw": "id-s3ntinel"}})),
        ("an access_token in a list", 1, json!({"access_token": [ACCESS_TOKEN]})),
        ("another type", 1, json!({"token_type": "s3ntinel"})),
    ] {
        let header = header.clone();
        add(
            name,
            code,
            Box::new(move |platform| {
                let mut body = tokens(platform, header.clone(), json!({}));
                body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
                Answer::json(200, body)
            }),
        );
    }
    add(
        "broken JSON with tokens",
        3,
        Box::new(|_| {
            let body = "{\"access_token\":\"access-s3ntinel\",\"id_token\":\"id-s3ntinel\",}";
            Answer::text(200, "application/json", body)
        }),
    );
    // Some servers put a key into the URLs of their endpoints.
    let platform = start();
    let endpoint = |path: &str| format!("{}{path}?key=s3ntinel", platform.url());
    let metadata = json!({
        "issuer": platform.url(),
        "device_authorization_endpoint": endpoint("/oauth2/device/auth"),
        "token_endpoint": endpoint("/oauth2/token"),
    });
    platform.answer(Call::Discovery, Answer::json(200, metadata));
    platform.answer(Call::Token, Answer::json(502, json!({})));
    platform.approve_after(0);
    let outcome = run(&platform, &["auth", "login", "--yes"], "");
    search.expect_none("a key in the endpoints", 0, outcome);
    assert_eq!(platform.calls(Call::Token)[0].query, "key=s3ntinel");

    for json in [false, true] {
        let arguments = ["auth", "login", if json { "--json" } else { "--yes" }];
        for (name, code, make) in &polls {
            let platform = start();
            platform.answer(Call::DeviceAuthorization, Answer::json(200, offer(&platform)));
            platform.answer(Call::Token, make(&platform));
            search.expect_none(name, *code, run(&platform, &arguments, ""));
        }
        for (name, answer, code) in echoes(DEVICE_CODE) {
            let platform = start();
            platform.answer(Call::DeviceAuthorization, Answer::json(200, offer(&platform)));
            platform.answer(Call::Token, answer);
            // rio polls again after some of these; then the platform does not know the code.
            search.expect_none(&name, code.map(|_| 1), run(&platform, &arguments, ""));
        }
        for (name, code, changes) in [
            ("a user_code that is a number", 1, json!({"user_code": 5})),
            ("a user_code with an escape", 1, json!({"user_code": "\u{1b}"})),
            ("a device_code in a list", 1, json!({"device_code": [DEVICE_CODE]})),
            ("a page that is no URL", 1, json!({"verification_uri": "ftp://x/s3ntinel"})),
        ] {
            let platform = start();
            let mut body = offer(&platform);
            body.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            platform.answer(Call::DeviceAuthorization, Answer::json(200, body));
            search.expect_none(name, code, run(&platform, &arguments, ""));
        }
    }
}

fn passwords(search: &mut Search) {
    let by_option = ["auth", "login", "--yes", "--email", EMAIL, "--password", PASSWORD];
    let by_line = ["auth", "login", "--yes", "--email", EMAIL, "--password", "-"];
    let at_prompt = ["auth", "login", "--yes", "--email", EMAIL];
    let as_json = ["auth", "login", "--json", "--email", EMAIL, "--password", "-"];
    let for_a_token = ["auth", "token", "--email", EMAIL, "--password", "-"];
    let ways: [&[&str]; 5] = [&by_option, &by_line, &at_prompt, &as_json, &for_a_token];
    // Piped in although the option has it: it becomes an answer to the next prompt, and matches nothing.
    let name = "a password in the place of an answer";
    search.expect_none(name, 1, run(&start(), &by_option, PASSWORD));
    for arguments in ways {
        if arguments != for_a_token {
            let stdin = if arguments == by_option { "" } else { PASSWORD };
            search.expect_none("a login that works", 0, run(&start(), arguments, stdin));
        }
        let name = "a wrong password";
        let wrong: Vec<_> = arguments
            .iter()
            .map(|word| if *word == PASSWORD { "wrong-s3ntinel" } else { word })
            .collect();
        search.expect_none(name, 1, run(&start(), &wrong, "wrong-s3ntinel"));
        for (name, answer, code) in echoes(PASSWORD) {
            let platform = start();
            platform.answer(Call::UserLogin, answer);
            search.expect_none(&name, code, run(&platform, arguments, PASSWORD));
        }
        for (name, answer, code) in unexpected(NEW) {
            let platform = start();
            platform.answer(Call::UserLogin, answer);
            search.expect_none(&name, code, run(&platform, arguments, PASSWORD));
        }
    }
}

fn tokens(search: &mut Search) {
    let by_option = ["auth", "login", "--yes", "--auth-token", NEW];
    let by_line = ["auth", "login", "--yes", "--auth-token", "-"];
    for arguments in [by_option, by_line] {
        search.expect_none("an unknown token", 1, run(&start(), &arguments, NEW));
        for (name, answer, code) in echoes(NEW) {
            let platform = start();
            platform.answer(Call::UserInfo, answer);
            search.expect_none(&name, code, run(&platform, &arguments, NEW));
        }
        for (name, answer, code) in unexpected(NEW) {
            let platform = start();
            platform.answer(Call::UserInfo, answer);
            search.expect_none(&name, code, run(&platform, &arguments, NEW));
        }
    }
    search.expect_none("a token with a blank", 2, run(&start(), &by_line, "new-s3ntinel x"));
    search.expect_none("a token beyond ASCII", 2, run(&start(), &by_line, "new-s3ntinel-ö"));
}

/// After the login, the organization and project API repeats the token.
fn selections(search: &mut Search) {
    let arguments = ["auth", "login", "--yes", "--auth-token", "-", "--organization", "x"];
    let accepted = || Answer::json(200, json!({"data": {"email": EMAIL}}));
    for (name, answer, code) in echoes(NEW) {
        let platform = start();
        platform.answer(Call::UserInfo, accepted());
        platform.answer(Call::UsersMe, answer);
        search.expect_none(&name, code, run(&platform, &arguments, NEW));
    }
    let one = json!({"spec": {"organizations": [{"guid": "org-x", "name": "x"}]}});
    for (name, answer, code) in echoes(NEW) {
        let platform = start();
        platform.answer(Call::UserInfo, accepted());
        platform.answer(Call::UsersMe, Answer::json(200, one.clone()));
        platform.answer(Call::Projects, answer);
        search.expect_none(&name, code, run(&platform, &arguments, NEW));
    }
    for (name, answer, code) in unexpected(NEW) {
        let platform = start();
        platform.answer(Call::UserInfo, accepted());
        platform.answer(Call::UsersMe, answer);
        search.expect_none(&name, code, run(&platform, &arguments, NEW));
    }
}

fn other_commands(search: &mut Search) {
    let commands: [(&[&str], Call); 5] = [
        (&["auth", "status", "--verify"], Call::UserInfo),
        (&["auth", "status", "--verify", "--json"], Call::UserInfo),
        (&["auth", "refresh-token", "--silent"], Call::RefreshToken),
        (&["auth", "logout"], Call::UserLogout),
        (&["organization", "select", "x"], Call::UsersMe),
    ];
    for (arguments, call) in commands {
        for (name, answer, code) in echoes(STORED) {
            let platform = start();
            platform.answer(call, answer);
            let code = match call {
                Call::UserLogout => Some(0),
                // The response may be lost, and the platform does not know the old token.
                Call::RefreshToken if name.starts_with("500") => Some(1),
                _ => code,
            };
            let name = format!("{}: {name}", arguments.join(" "));
            search.expect_none(&name, code, run(&platform, arguments, ""));
        }
        for (name, answer, code) in unexpected(NEW) {
            let platform = start();
            platform.answer(call, answer);
            let code = match call {
                Call::UserLogout => 0,
                // As above.
                Call::RefreshToken => 1,
                _ => code,
            };
            let name = format!("{}: {name}", arguments.join(" "));
            search.expect_none(&name, code, run(&platform, arguments, ""));
        }
    }

    let refreshed = || Answer::json(200, json!({"data": {"Token": NEW}}));
    let platform = start();
    platform.answer(Call::RefreshToken, refreshed());
    search.expect_none("refreshed", 0, run(&platform, &["auth", "refresh-token"], ""));
    let platform = start();
    let name = "refreshed by password";
    search.expect_none(name, 0, run(&platform, &["auth", "refresh-token"], PASSWORD));
    for (name, answer, code) in echoes(PASSWORD) {
        let platform = start();
        platform.answer(Call::UserLogin, answer);
        let name = format!("refresh by password: {name}");
        search.expect_none(&name, code, run(&platform, &["auth", "refresh-token"], PASSWORD));
    }

    for (arguments, code) in [
        (&["auth", "status"][..], 0),
        (&["auth", "status", "--json"], 0),
        (&["auth", "environment", "dev"], 0),
        (&["auth", "environment", "ga"], 0),
        (&["auth", "login"], 1),
        (&["version"], 0),
        (&["help"], 0),
    ] {
        search.expect_none(&arguments.join(" "), code, run(&start(), arguments, ""));
    }

    // These print a token.
    let stored = run(&start(), &["auth", "token", "--current"], "");
    search.expect_in_result("token --current", STORED, stored);
    for arguments in
        [&["auth", "token"][..], &["auth", "token", "--password", PASSWORD, "--level", "2"]]
    {
        let platform = start();
        platform.answer(Call::UserLogin, Answer::json(200, json!({"data": {"token": NEW}})));
        search.expect_in_result("token", NEW, run(&platform, arguments, PASSWORD));
    }
}

fn usage_errors(search: &mut Search) {
    let platform = start();
    let cases: [&[&str]; 17] = [
        &["auth", "login", "--password", PASSWORD],
        &["auth", "login", "--password", PASSWORD, "--silent"],
        &["auth", "login", "--auth-token", NEW, "--email", EMAIL],
        &["auth", "login", "--auth-token", NEW, "--password", PASSWORD],
        &["auth", "login", "--auth-token", NEW, "--silent", "--project", "x"],
        &["auth", "login", "--auth-token", NEW, "--no-such-option"],
        &["auth", "login", "--email", EMAIL, "--pasword", PASSWORD],
        &["auth", "login", "--email", EMAIL, "--pasword=pass-s3ntinel"],
        &["auth", "login", "--email", EMAIL, "-ppass-s3ntinel"],
        &["auth", "login", "--email", EMAIL, "--passwordpass-s3ntinel"],
        &["auth", "login", "--auth-token:new-s3ntinel"],
        &["auth", "login", "--email", EMAIL, PASSWORD],
        &["auth", "login", "--", PASSWORD],
        &["auth", "login", "--yes=new-s3ntinel"],
        &["auth", "token", "--level", "9", "--password", PASSWORD],
        &["auth", "token", "--current", "--password", PASSWORD],
        &["auth", "refresh-token", PASSWORD],
    ];
    for arguments in cases {
        // The real program, with argh's own messages.
        let outcome = robot_of(&platform).rio(arguments).run();
        search.expect_none("usage", 2, outcome);
    }
}

fn bad_config_files(search: &mut Search) {
    let commands: [&[&str]; 6] = [
        &["auth", "login", "--yes"],
        &["auth", "status", "--verify"],
        &["auth", "status", "--json"],
        &["auth", "refresh-token"],
        &["auth", "token", "--current"],
        &["auth", "logout"],
    ];
    let mut look = |text: &str, codes: [i32; 6]| {
        for (arguments, code) in commands.into_iter().zip(codes) {
            let robot = Robot::new().env("RIO_DEBUG", "1");
            robot.write_config_text(text);
            let name = format!("{} with {text}", arguments.join(" "));
            let outcome = robot.rio(arguments).run_at(&FakeClock::new());
            match (arguments, code) {
                (["auth", "token", "--current"], 0) => {
                    search.expect_in_result(&name, STORED, outcome);
                }
                _ => search.expect_none(&name, code, outcome),
            }
        }
    };
    for text in [
        "{\"auth_token\": \"stored-s3ntinel\",",
        "{\"auth_token\": \"stored-s3ntinel",
        "{\"auth_token\": \"stored-s3ntinel\"} more",
        "{\"auth_token\": stored-s3ntinel}",
        "\"stored-s3ntinel\"",
        "[\"stored-s3ntinel\"]",
        "stored-s3ntinel",
    ] {
        look(text, [1; 6]);
    }
    // Exit code 3 where the bad member is not needed: no host answers. Login and logout accept a
    // malformed token.
    for (member, value, codes) in [
        ("auth_token", json!(["stored-s3ntinel"]), [1; 6]),
        ("auth_token", json!({"stored-s3ntinel": 1}), [1; 6]),
        ("auth_token", json!("stored-s3ntinel and more"), [3, 1, 1, 1, 1, 0]),
        ("auth_token", json!("stored-s3ntinel-ö"), [3, 1, 1, 1, 1, 0]),
        ("auth_token", json!("stored-s3ntinel\n\u{0}"), [3, 1, 1, 1, 1, 0]),
        ("environment", json!(["s3ntinel"]), [3, 1, 1, 3, 0, 0]),
        ("oidc_host", json!("https://ada:s3ntinel@oidc.example"), [1, 3, 0, 3, 0, 0]),
        ("rip_host", json!("https://ada:s3ntinel@rip.example"), [3, 1, 0, 1, 0, 0]),
        ("v2api_host", json!("https://ada:s3ntinel@api.example"), [1, 3, 0, 3, 0, 0]),
        ("v2api_host", json!({"s3ntinel": "s3ntinel"}), [1, 3, 0, 3, 0, 0]),
    ] {
        let dead = ClosedPort::new();
        let mut config = json!({
            "oidc_host": dead.url(),
            "rip_host": dead.url(),
            "v2api_host": dead.url(),
            "auth_token": STORED,
            "email_id": EMAIL,
        });
        config[member] = value;
        look(&config.to_string(), codes);
    }
    // `status` shows the environment; an error does not.
    let config = json!({"auth_token": STORED, "email_id": EMAIL, "environment": "s3ntinel"});
    for (arguments, code) in commands.into_iter().zip([1, 1, 0, 1, 0, 0]) {
        let robot = Robot::new().env("RIO_DEBUG", "1");
        robot.write_config(&config);
        let mut outcome = robot.rio(arguments).run_at(&FakeClock::new());
        if arguments.contains(&"status") || arguments.contains(&"--current") {
            outcome.stdout = outcome.stdout.replacen(MARK, "", 1);
        }
        let name = format!("{} in an environment that does not exist", arguments.join(" "));
        search.expect_none(&name, code, outcome);
    }
}

/// A proxy that rejects the request. Returns its address and what it received.
fn rejecting_proxy(status: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let mut connection = listener.accept().unwrap().0;
        let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
        let mut head = String::new();
        while let Some(line) = lines.next().map(Result::unwrap).filter(|line| !line.is_empty()) {
            head += &format!("{line}\r\n");
        }
        let answer = format!("HTTP/1.1 {status}\r\nX-You-Sent: s3ntinel\r\n\r\n{head}");
        let _ = connection.write_all(answer.as_bytes());
        head
    });
    (address, thread)
}

fn proxies(search: &mut Search) {
    let dead = ClosedPort::new();
    let nowhere = dead.address();
    let commands: [&[&str]; 3] =
        [&["auth", "login", "--yes"], &["auth", "status", "--verify"], &["auth", "refresh-token"]];
    // A reserved address, so that no name needs resolving.
    let host = "https://192.0.2.1";
    let robot = |variable: &str, value: String| {
        let robot = Robot::new().env("RIO_DEBUG", "1").env(variable, value);
        let mut config = json!({"oidc_host": host, "rip_host": host, "v2api_host": host});
        config["auth_token"] = STORED.into();
        config["email_id"] = EMAIL.into();
        robot.write_config(&config);
        robot
    };
    for arguments in commands {
        for (variable, value, code) in [
            ("HTTPS_PROXY", format!("http://{PROXY_USER}@{nowhere}"), 3),
            ("https_proxy", format!("http://{PROXY_USER}@{nowhere}"), 3),
            ("ALL_PROXY", format!("socks5://{PROXY_USER}@{nowhere}"), 3),
            ("HTTPS_PROXY", format!("gopher://{PROXY_USER}@{nowhere}"), 1),
            ("HTTPS_PROXY", format!("http://{PROXY_USER}@"), 1),
            ("HTTPS_PROXY", format!("http://{PROXY_USER} x@{nowhere}"), 1),
        ] {
            let name = format!("{} through {variable}={value}", arguments.join(" "));
            let robot = robot(variable, value);
            let outcome = robot.rio(arguments).run_at(&FakeClock::new());
            search.expect_none(&name, code, outcome);
        }
        for status in ["407 Proxy Authentication Required", "403 Forbidden s3ntinel"] {
            let (address, proxy) = rejecting_proxy(status);
            let robot = robot("HTTPS_PROXY", format!("http://{PROXY_USER}@{address}"));
            let outcome = robot.rio(arguments).run_at(&FakeClock::new());
            let name = format!("{} through a proxy that says {status}", arguments.join(" "));
            search.expect_none(&name, 3, outcome);
            // Ends the proxy's thread if rio has not connected.
            let _ = TcpStream::connect(&address);
            // rio did send the secret to the proxy.
            let head = proxy.join().unwrap();
            assert!(head.contains(&STANDARD.encode(PROXY_USER)), "{head}");
        }
    }
}
