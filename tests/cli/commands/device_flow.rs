//! `rio auth login` without options: RFC 8628 against the fake platform, on a fake clock.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use platform::{Answer, Authority, Call, Platform, Request, World};
use rio::machine::random::Fraction;
use rio::machine::terminal::Screen;
use serde_json::{Value, json};

use crate::network::tls::trusting;
use crate::robot::{ClosedPort, FakeClock, Outcome, Robot, Stream, screen};

const DEVICE_CODE: &str = "secret-d3vice-c0de";
const USER_CODE: &str = "wDjB-mJhT";

/// A platform that accepts polls at the pace of the fake clock.
fn start() -> Platform {
    let platform = Platform::start();
    platform.allow_early_polls();
    platform
}

fn error(code: &str) -> Answer {
    Answer::json(400, json!({"error": code}))
}

fn bad_gateway() -> Answer {
    Answer::text(502, "text/html", "<html><h1>Bad Gateway</h1></html>")
}

/// A valid device authorization response (RFC 8628 §3.2).
fn offer(platform: &Platform) -> Value {
    let page = format!("{}/device", platform.url());
    json!({
        "device_code": DEVICE_CODE,
        "user_code": USER_CODE,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={USER_CODE}"),
        "expires_in": 600,
        "interval": 5,
    })
}

/// The object with these members added or replaced.
fn changed(mut object: Value, changes: Value) -> Value {
    let members = object.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    object
}

/// The object without this member.
fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member).unwrap();
    object
}

/// Scripts the device authorization response.
fn offers(platform: &Platform, offer: Value) {
    platform.answer(Call::DeviceAuthorization, Answer::json(200, offer));
}

/// Scripts the tokens for the next poll: the platform itself does not know a scripted code.
fn hands_out_tokens(platform: &Platform) {
    let tokens = platform.tokens(platform.claims());
    platform.answer(Call::Token, Answer::json(200, tokens));
}

fn metadata(platform: &Platform) -> Value {
    let url = platform.url();
    json!({
        "issuer": url,
        "device_authorization_endpoint": format!("{url}/oauth2/device/auth"),
        "token_endpoint": format!("{url}/oauth2/token"),
    })
}

fn login(robot: &Robot, clock: &Rc<FakeClock>) -> Outcome {
    robot.rio(&["auth", "login"]).run_at(clock)
}

/// Logs in, and expects success.
#[track_caller]
fn succeeds(robot: &Robot, clock: &Rc<FakeClock>) -> Outcome {
    let outcome = login(robot, clock).exits(0);
    assert!(robot.config()["auth_token"].is_string(), "no token was stored\n{outcome}");
    outcome
}

/// Logs in, and expects this exit code, an unchanged config file, at most one code, and neither the device
/// code nor a web page on the screen.
#[track_caller]
fn fails(platform: &Platform, robot: &Robot, clock: &Rc<FakeClock>, code: i32) -> Outcome {
    let before = robot.config_bytes();
    let outcome = login(robot, clock).exits(code).hides(DEVICE_CODE).hides("<h").prints("");
    assert_eq!(robot.config_bytes(), before, "the config file has changed\n{outcome}");
    let codes = platform.calls(Call::DeviceAuthorization).len();
    assert!(codes <= 1, "{codes} codes were requested\n{outcome}");
    outcome
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Checks everything in a request to an OAuth endpoint except its fields.
#[track_caller]
fn is_plain_form(request: &Request) {
    assert_eq!(request.header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(request.header("Accept"), Some("application/json"));
    assert_eq!(request.header("Authorization"), None, "a public client has no secret");
    assert_eq!(request.header("Cookie"), None);
    assert_eq!(request.query, "");
}

// Request

#[test]
fn device_authorization_sends_only_client_id_and_scope() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.approve_after(0);
    succeeds(&Robot::of(&platform), &clock);
    let requests = platform.calls(Call::DeviceAuthorization);
    assert_eq!(requests.len(), 1);
    is_plain_form(&requests[0]);
    let form = pairs([("client_id", "rio-cli"), ("scope", "openid email")]);
    assert_eq!(requests[0].form(), form, "no nonce, no secret, nothing twice");
}

#[test]
fn poll_sends_only_grant_type_client_id_and_device_code() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, offer(&platform));
    platform.answer(Call::Token, error("authorization_pending"));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &clock);
    let polls = platform.calls(Call::Token);
    assert_eq!(polls.len(), 2);
    for poll in polls {
        is_plain_form(&poll);
        let form = pairs([
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "rio-cli"),
            ("device_code", DEVICE_CODE),
        ]);
        assert_eq!(poll.form(), form);
    }
}

#[test]
fn poll_sends_device_code_of_any_characters_unchanged() {
    let (platform, clock) = (start(), FakeClock::new());
    let odd = "a+b/c=&client_id=evil d%20é";
    offers(&platform, changed(offer(&platform), json!({"device_code": odd})));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &clock);
    let form = platform.calls(Call::Token)[0].form();
    assert_eq!(form.len(), 3);
    assert_eq!(form[2], ("device_code".to_owned(), odd.to_owned()));
}

#[test]
fn client_id_from_config_file_is_used_in_each_request() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    robot.write_config(&changed(platform.config(), json!({"device_flow_client_id": "robots"})));
    // The platform issues the id_token to the client that asked, so this also tests the audience.
    succeeds(&robot, &clock);
    for call in [Call::DeviceAuthorization, Call::Token] {
        let form = platform.calls(call)[0].form();
        assert!(form.contains(&("client_id".to_owned(), "robots".to_owned())), "{form:?}");
    }
}

#[test]
fn urls_contain_no_code_and_no_token() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, offer(&platform));
    hands_out_tokens(&platform);
    let robot = Robot::of(&platform);
    succeeds(&robot, &clock);
    let token = robot.config()["auth_token"].as_str().unwrap().to_owned();
    for request in platform.requests() {
        let url = format!("{}?{}", request.path, request.query);
        for secret in [&token, DEVICE_CODE, USER_CODE] {
            assert!(!url.contains(secret), "{url}");
        }
    }
}

// Display

#[test]
fn login_shows_url_code_lifetime_and_warning() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, offer(&platform));
    hands_out_tokens(&platform);
    let page = format!("{}/device", platform.url());
    let outcome = succeeds(&Robot::of(&platform), &clock)
        .says(&format!("{page}\n"))
        .says(&format!("{USER_CODE}\n"))
        .says(&format!("{page}?user_code={USER_CODE}\n"))
        .says("10 minutes")
        .says("Approve only logins you started")
        .hides(DEVICE_CODE)
        .prints("");
    // The code has a line of its own, also beside the complete URL (RFC 8628 §3.3.1).
    assert!(outcome.stderr.lines().any(|line| line.trim() == USER_CODE), "{outcome}");
}

#[test]
fn user_code_of_any_shape_is_shown() {
    for code in ["WDJBMJHT", "wdjb mjht", "123-456-789", "Zürich"] {
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, changed(offer(&platform), json!({"user_code": code})));
        hands_out_tokens(&platform);
        succeeds(&Robot::of(&platform), &clock).says(&format!("    {code}\n"));
    }
}

#[test]
fn user_code_that_ascii_terminal_cannot_show_stops_the_login() {
    let ascii = Screen { utf8: false, ..screen(80, 24) };
    let change = json!({"user_code": "Zürich"});

    let platform = start();
    offers(&platform, changed(offer(&platform), change.clone()));
    let robot = Robot::of(&platform);
    let outcome =
        robot.rio(&["auth", "login"]).screen(ascii.clone()).run_at(&FakeClock::new()).exits(1);
    // A user would type "Z?rich", and the server would reject it.
    let outcome = outcome.says("cannot show").says("UTF-8").says("--json").hides("rich").prints("");
    assert!(outcome.stderr.is_ascii(), "{outcome}");
    assert!(platform.calls(Call::Token).is_empty());
    assert_eq!(robot.config(), platform.config());

    // A program reads JSON, not the screen.
    offers(&platform, changed(offer(&platform), change));
    hands_out_tokens(&platform);
    let program = robot.rio(&["auth", "login", "--json"]).screen(ascii);
    let outcome = program.run_at(&FakeClock::new()).exits(0);
    assert_eq!(outcome.events()[0]["user_code"], "Zürich", "{outcome}");
}

#[test]
fn verification_url_is_accepted() {
    let page = "https://login.example/device";
    let url = json!({"verification_url": page});
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, changed(without(offer(&platform), "verification_uri"), url.clone()));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &clock).says(page).says(USER_CODE);

    // It is ignored beside the standard name.
    offers(&platform, changed(offer(&platform), url));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &FakeClock::new())
        .says(&format!("{}/device\n", platform.url()))
        .hides(page);
}

#[test]
fn untrusted_complete_url_is_neither_shown_nor_opened() {
    for (name, complete) in [
        ("another host", "https://evil.example/device?user_code=x"),
        ("another port", "http://127.0.0.1:1/device?user_code=x"),
        ("another scheme", "https://127.0.0.1/device?user_code=x"),
        ("a script", "javascript:alert(1)"),
        ("an option", "-version"),
        ("an escape in it", "http://127.0.0.1/\u{1b}]8;;x"),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        let change = json!({"verification_uri_complete": complete});
        offers(&platform, changed(offer(&platform), change));
        hands_out_tokens(&platform);
        let robot = Robot::of(&platform).env("DISPLAY", ":0");
        let opened = Rc::new(RefCell::new(Vec::new()));
        let browser = {
            let opened = opened.clone();
            Box::new(move |commands: &[Vec<String>]| {
                *opened.borrow_mut() = commands.to_vec();
                true
            })
        };
        let outcome = robot.rio(&["auth", "login"]).run_with_browser(&clock, browser);
        outcome.exits(0).says(&format!("{}/device\n", platform.url())).hides(complete);
        let page = format!("{}/device", platform.url());
        assert_eq!(opened.borrow()[0].last(), Some(&page));
    }
}

#[test]
fn json_verification_event_has_no_device_code() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, offer(&platform));
    hands_out_tokens(&platform);
    let robot = Robot::of(&platform);
    let outcome = robot.rio(&["auth", "login", "--json"]).run_at(&clock).exits(0);
    let page = format!("{}/device", platform.url());
    let verification = json!({
        "event": "verification",
        "user_code": USER_CODE,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={USER_CODE}"),
        "expires_in": 600,
        "interval": 5,
        "resumed": false,
    });
    // The default world has two organizations, and --json does not prompt.
    let logged_in = json!({
        "event": "logged_in",
        "email": platform::EMAIL,
        "organization": null,
        "project": null,
    });
    assert_eq!(outcome.events(), [verification, logged_in]);
    outcome.hides(DEVICE_CODE);
}

#[test]
fn json_login_shows_its_screen_on_a_terminal_without_the_events() {
    let platform = start();
    platform.allow_early_polls();
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    let rio = robot.rio(&["auth", "login", "--json"]).screen(screen(80, 24));
    let outcome = rio.run_at(&FakeClock::new()).exits(0).says("Approve only logins you started");
    assert_eq!(outcome.events()[0]["event"], "verification");
}

#[test]
fn json_logged_in_event_has_the_selection() {
    let world = World::of([platform::Organization::new("Acme Robotics", ["fleet"])]);
    let (platform, clock) = (Platform::with(world), FakeClock::new());
    platform.allow_early_polls();
    platform.approve_after(0);
    let robot = Robot::of(&platform);
    let outcome = robot.rio(&["auth", "login", "--json"]).run_at(&clock).exits(0);
    let logged_in = json!({
        "event": "logged_in",
        "email": platform::EMAIL,
        "organization": {
            "guid": "org-acmerobotics", "name": "Acme Robotics", "short_guid": "acmer",
        },
        "project": {"guid": "project-acmeroboticsfleet", "name": "fleet"},
    });
    assert_eq!(outcome.events().last(), Some(&logged_in), "{outcome}");
}

#[test]
fn json_reports_a_failure_once_and_the_error() {
    let (platform, clock) = (start(), FakeClock::new());
    for answer in [bad_gateway(), bad_gateway(), error("access_denied")] {
        platform.answer(Call::Token, answer);
    }
    let robot = Robot::of(&platform);
    let outcome = robot.rio(&["auth", "login", "--json"]).run_at(&clock).exits(1);
    let events = outcome.events();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["verification", "retrying", "error"], "{outcome}");
    assert_eq!(events[1]["wait"], 10, "{outcome}");
    assert!(events[1]["reason"].as_str().unwrap().contains("502"), "{outcome}");
    assert_eq!(events[2]["code"], 1, "{outcome}");
    assert!(events[2]["message"].as_str().unwrap().contains("denied"), "{outcome}");
    assert!(events[2]["advice"].as_str().unwrap().contains("rio auth login"), "{outcome}");
    // The error is also on standard error.
    outcome.says("denied");
}

#[test]
fn json_reports_an_error_before_the_code() {
    let dead = ClosedPort::new();
    let (robot, clock) = (Robot::new(), FakeClock::new());
    robot.write_config(&json!({"oidc_host": dead.url()}));
    let outcome = robot.rio(&["auth", "login", "--json"]).run_at(&clock).exits(3);
    let events = outcome.events();
    assert_eq!(events.len(), 1, "{outcome}");
    assert_eq!((&events[0]["event"], &events[0]["code"]), (&json!("error"), &json!(3)));
}

// The browser

/// The browser's command lines, and the screen at that time.
fn opened(robot: &Robot, arguments: &[&str]) -> (Vec<Vec<String>>, String) {
    let (screen, seen) = (Stream::default(), Rc::new(RefCell::new(Default::default())));
    let browser = {
        let (screen, seen) = (screen.clone(), seen.clone());
        Box::new(move |commands: &[Vec<String>]| {
            *seen.borrow_mut() = (commands.to_vec(), screen.text());
            true
        })
    };
    robot.rio(arguments).run_with_stderr(&FakeClock::new(), browser, screen).exits(0);
    seen.take()
}

#[test]
#[cfg(target_os = "linux")]
fn graphical_session_opens_complete_url_after_showing_it() {
    for display in ["DISPLAY", "WAYLAND_DISPLAY"] {
        let platform = start();
        offers(&platform, offer(&platform));
        hands_out_tokens(&platform);
        let robot = Robot::of(&platform).env(display, ":0");
        let (commands, screen) = opened(&robot, &["auth", "login"]);
        let complete = format!("{}/device?user_code={USER_CODE}", platform.url());
        assert_eq!(commands, [["xdg-open", &complete]]);
        assert!(screen.contains(&complete), "{screen}");
        assert!(screen.lines().any(|line| line.trim() == USER_CODE), "{screen}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_browser_opens_without_display_or_with_no_browser() {
    let cases: [(&str, &[&str]); 3] = [
        ("", &["auth", "login"]),
        (":0", &["auth", "login", "--no-browser"]),
        ("", &["auth", "login", "--no-browser"]),
    ];
    for (display, arguments) in cases {
        let platform = start();
        platform.approve_after(0);
        let robot = Robot::of(&platform).env("DISPLAY", display).env("BROWSER", "firefox");
        assert_eq!(opened(&robot, arguments).0, Vec::<Vec<String>>::new(), "{arguments:?}");
    }
}

// Polling

#[test]
fn first_poll_after_approval_ends_the_login() {
    let (platform, clock) = (start(), FakeClock::new());
    clock.set_jitter(Fraction::new(u32::MAX));
    platform.approve_after(2);
    succeeds(&Robot::of(&platform), &clock);
    // Slightly later than the interval, and without jitter.
    assert_eq!(clock.sleeps_in_ms(), [5050, 5050, 5050]);
    assert_eq!(platform.calls(Call::Token).len(), 3);
}

#[test]
fn invalid_client_names_the_client_id() {
    for (call, code) in [
        (Call::DeviceAuthorization, "invalid_client"),
        (Call::DeviceAuthorization, "unauthorized_client"),
        (Call::Token, "invalid_client"),
    ] {
        println!("case: {code} from {call:?}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(call, Answer::json(401, json!({"error": code})));
        let robot = Robot::of(&platform);
        robot.write_config(&changed(platform.config(), json!({"device_flow_client_id": "robots"})));
        fails(&platform, &robot, &clock, 1)
            .says(code)
            .says("\"robots\"")
            .says("device_flow_client_id");
    }
}

// Failures

#[test]
fn jitter_follows_retry_after_and_json_shows_the_sum() {
    let busy = || Answer::json(503, json!({"message": "busy"})).header("Retry-After", "20");
    for (fraction, ms, seconds) in
        [(0, 20_050, 20), (u32::MAX / 2, 22_549, 23), (u32::MAX, 25_050, 25)]
    {
        let (platform, clock) = (start(), FakeClock::new());
        clock.set_jitter(Fraction::new(fraction));
        platform.answer(Call::Token, busy());
        platform.approve_after(0);
        let robot = Robot::of(&platform);
        let outcome = robot.rio(&["auth", "login", "--json"]).run_at(&clock).exits(0);
        // The first poll has no jitter.
        assert_eq!(clock.sleeps_in_ms(), [5050, ms], "{outcome}");
        assert_eq!(outcome.events()[1]["wait"], seconds, "{outcome}");
    }
}

#[test]
fn unreachable_server_is_polled_until_the_code_expires() {
    let (platform, clock, dead) = (start(), FakeClock::new(), ClosedPort::new());
    let token_endpoint = json!({"token_endpoint": format!("{}/oauth2/token", dead.url())});
    let metadata = changed(metadata(&platform), token_endpoint);
    platform.answer(Call::Discovery, Answer::json(200, metadata));
    // The network failed, not the user: exit 3.
    fails(&platform, &Robot::of(&platform), &clock, 3)
        .says("connection refused")
        .says("expired")
        .says("rio auth login");
    let sleeps = clock.sleeps();
    assert_eq!(sleeps[..5], [5, 10, 20, 30, 30]);
    let total: u64 = sleeps.iter().sum();
    assert!((595..=631).contains(&total), "{sleeps:?}");
}

#[test]
fn failure_and_recovery_are_reported_once() {
    let (platform, clock) = (start(), FakeClock::new());
    for _ in 0..3 {
        platform.answer(Call::Token, bad_gateway());
    }
    platform.answer(Call::Token, error("authorization_pending"));
    platform.approve_after(0);
    let outcome = succeeds(&Robot::of(&platform), &clock).says("502").hides("<h1>");
    assert_eq!(outcome.stderr.matches("retrying").count(), 1, "{outcome}");
    assert_eq!(outcome.stderr.matches("is responding again").count(), 1, "{outcome}");
}

#[test]
fn failure_too_long_for_the_status_line_is_printed_above_it() {
    for (columns, above) in [(50, true), (120, false)] {
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, offer(&platform));
        platform.answer(Call::Token, Answer::raw("HTTP/1.1 4"));
        hands_out_tokens(&platform);
        let robot = Robot::of(&platform);
        let screen = Screen { status_line: Some(|| true), ..screen(columns, 24) };
        let outcome = robot.rio(&["auth", "login"]).screen(screen).run_at(&clock).exits(0);
        // The line may be wrapped.
        let words = outcome.stderr.replace('\n', " ");
        let whole = words.contains("closed the connection; retrying... ");
        assert_eq!(whole, above, "{columns}\n{outcome}");
        let in_place = outcome.stderr.contains("closed the connection\r")
            || outcome.stderr.contains("left)\r");
        assert!(in_place, "{columns}\n{outcome}");
    }
}

// Deadline

#[test]
fn approval_in_the_last_seconds_counts() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.expires_in(12);
    platform.approve_after(2);
    succeeds(&Robot::of(&platform), &clock);
    assert_eq!(clock.sleeps(), [5, 5, 5]);
}

#[test]
fn code_lifetime_is_bounded() {
    for (name, expires_in, interval, polls) in [
        ("in quotes", json!("120"), 60, 2),
        ("null", json!(null), 60, 10),
        ("2^64-1: a day", json!(u64::MAX), 3600, 24),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        let changes = json!({"expires_in": expires_in, "interval": interval});
        offers(&platform, changed(offer(&platform), changes));
        for _ in 0..polls {
            platform.answer(Call::Token, error("authorization_pending"));
        }
        fails(&platform, &Robot::of(&platform), &clock, 1).says("expired before");
        assert_eq!(clock.sleeps(), vec![interval; polls], "{name}");
    }
}

// Metadata

#[test]
fn issuer_may_differ_by_a_final_slash() {
    for (requested, returned) in [("", ""), ("/", ""), ("", "/"), ("/", "/")] {
        println!("case: requested with {requested:?}, returned with {returned:?}");
        let (platform, clock) = (start(), FakeClock::new());
        let issuer = format!("{}{returned}", platform.url());
        let metadata = changed(metadata(&platform), json!({"issuer": issuer}));
        platform.answer(Call::Discovery, Answer::json(200, metadata));
        offers(&platform, offer(&platform));
        let claims = changed(platform.claims(), json!({"iss": issuer}));
        platform.answer(Call::Token, Answer::json(200, platform.tokens(claims)));
        let robot = Robot::of(&platform);
        let host = format!("{}{requested}", platform.url());
        robot.write_config(&changed(platform.config(), json!({"oidc_host": host})));
        succeeds(&robot, &clock);
    }
}

#[test]
fn https_issuer_requires_https_endpoints() {
    for member in ["device_authorization_endpoint", "token_endpoint"] {
        println!("case: {member}");
        let authority = Authority::new();
        let platform = Platform::start_tls(&authority.certify(&["127.0.0.1"]));
        platform.allow_early_polls();
        platform.approve_after(0);
        let http = metadata(&platform)[member].as_str().unwrap().replace("https://", "http://");
        let metadata = changed(metadata(&platform), json!({member: http}));
        platform.answer(Call::Discovery, Answer::json(200, metadata));
        let robot = trusting(Robot::of(&platform), &authority);
        fails(&platform, &robot, &FakeClock::new(), 1).says(member).says("https://");
        assert_eq!(platform.requests().len(), 1);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn insecure_http_variable_allows_plain_http() {
    let platform = start();
    // This address is local, but not a loopback address.
    let elsewhere = platform.url().replace("127.0.0.1", "0.0.0.0");
    let metadata = json!({
        "issuer": elsewhere,
        "device_authorization_endpoint": format!("{elsewhere}/oauth2/device/auth"),
        "token_endpoint": format!("{elsewhere}/oauth2/token"),
    });
    platform.answer(Call::Discovery, Answer::json(200, metadata));
    let page = "http://login.example/device";
    offers(&platform, changed(offer(&platform), json!({"verification_uri": page})));
    let claims = changed(platform.claims(), json!({"iss": elsewhere}));
    platform.answer(Call::Token, Answer::json(200, platform.tokens(claims)));
    let robot = Robot::new().env("RIO_INSECURE_HTTP", "1");
    robot.write_config(&changed(platform.config(), json!({"oidc_host": elsewhere})));
    succeeds(&robot, &FakeClock::new()).says(&format!("{page}\n"));
}

// id_token

#[test]
fn login_stores_rio_token_and_email_but_no_access_token() {
    let (platform, clock) = (start(), FakeClock::new());
    let claims = platform.claims();
    let tokens = platform.tokens(claims.clone());
    platform.answer(Call::Token, Answer::json(200, tokens.clone()));
    let robot = Robot::of(&platform);
    succeeds(&robot, &clock).says(platform::EMAIL);
    let config = robot.config();
    assert_eq!(config["auth_token"], claims["rio_token"]);
    assert_eq!(config["email_id"], platform::EMAIL);
    let text = String::from_utf8(robot.config_bytes()).unwrap();
    for name in ["access_token", "id_token"] {
        assert!(!text.contains(tokens[name].as_str().unwrap()), "{name} in {text}");
    }
}

#[test]
fn expired_id_token_is_rejected_and_shows_the_clock() {
    let now = 1_800_000_000;
    let platform = start();
    platform.now(now);
    let claims = changed(platform.claims(), json!({"exp": now - 3600}));
    platform.answer(Call::Token, Answer::json(200, platform.tokens(claims)));
    let clock = FakeClock::at(UNIX_EPOCH + Duration::from_secs(now));
    // 1800000000 is 2027-01-15 08:00:00 UTC; the poll is five seconds later.
    fails(&platform, &Robot::of(&platform), &clock, 1)
        .says("2027-01-15 07:00:00 UTC")
        .says("2027-01-15 08:00:05 UTC");
}
