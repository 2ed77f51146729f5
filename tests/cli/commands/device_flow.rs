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

/// A named case.
type Case<T> = (&'static str, T);

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
fn login_uses_one_connection() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.approve_after(2);
    succeeds(&Robot::of(&platform), &clock);
    assert_eq!(platform.connections(), 1);
}

#[test]
fn device_authorization_is_never_sent_twice() {
    let cases = [
        ("the connection ends without an answer", Answer::hang_up()),
        ("502 with HTML", bad_gateway()),
        ("503", Answer::json(503, json!({"error": "down for maintenance"}))),
    ];
    for (name, answer) in cases {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(Call::DeviceAuthorization, answer);
        fails(&platform, &Robot::of(&platform), &clock, 3);
        assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1);
    }
}

#[test]
fn device_authorization_error_shows_description() {
    let (platform, clock) = (start(), FakeClock::new());
    let answer = json!({"error": "unauthorized_client", "error_description": "No such grant."});
    platform.answer(Call::DeviceAuthorization, Answer::json(400, answer));
    fails(&platform, &Robot::of(&platform), &clock, 1).says("No such grant.");
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
fn login_without_complete_url_shows_url_and_code() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, without(offer(&platform), "verification_uri_complete"));
    hands_out_tokens(&platform);
    let page = format!("{}/device\n", platform.url());
    succeeds(&Robot::of(&platform), &clock).says(&page).says(USER_CODE).hides("?user_code=");
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
fn unprintable_user_code_stops_the_login() {
    for (name, code) in [
        ("escape", "WDJB\u{1b}[8mMJHT"),
        ("newline", "WDJB\nMJHT"),
        ("right-to-left override", "WDJB\u{202e}MJHT"),
        ("invisible letter", "WDJB\u{3164}MJHT"),
        ("blank", "  "),
        ("nothing", ""),
        ("a whole page", &"x".repeat(5000)),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, changed(offer(&platform), json!({"user_code": code})));
        fails(&platform, &Robot::of(&platform), &clock, 1).hides("WDJB");
        assert!(platform.calls(Call::Token).is_empty());
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
fn incomplete_device_authorization_names_what_is_missing() {
    for member in ["device_code", "user_code", "verification_uri"] {
        println!("case: without {member}");
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, without(offer(&platform), member));
        fails(&platform, &Robot::of(&platform), &clock, 1).says(&format!("sent no valid {member}"));
        assert!(platform.calls(Call::Token).is_empty());
    }
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
fn unsafe_verification_uri_stops_the_login() {
    for page in [
        "http://login.example/device",
        "http://10.0.0.1/device",
        "ftp://login.example/device",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "-version",
        "/device",
        "https://login.example@evil.example/",
        "https://login.example/\u{1b}[2J",
        "",
    ] {
        println!("case: {page:?}");
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, changed(offer(&platform), json!({"verification_uri": page})));
        fails(&platform, &Robot::of(&platform), &clock, 1).says("verification_uri");
        assert!(platform.calls(Call::Token).is_empty());
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

/// The waits of a login with these responses to its polls, then tokens.
fn waits(interval: u64, answers: impl IntoIterator<Item = Answer>) -> Vec<u64> {
    let (platform, clock) = (start(), FakeClock::new());
    platform.interval(interval);
    answers.into_iter().for_each(|answer| platform.answer(Call::Token, answer));
    platform.approve_after(0);
    succeeds(&Robot::of(&platform), &clock);
    assert_eq!(platform.calls(Call::DeviceAuthorization).len(), 1);
    clock.sleeps()
}

#[test]
fn slow_down_lengthens_each_later_wait() {
    let answers = ["authorization_pending", "slow_down", "authorization_pending", "slow_down"];
    assert_eq!(waits(1, answers.map(error)), [1, 1, 6, 6, 11]);
}

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
fn invalid_interval_is_five_seconds() {
    let huge: Value = serde_json::from_str("18446744073709551615").unwrap();
    let beyond: Value = serde_json::from_str("1e30").unwrap();
    for (name, interval, wait) in [
        ("a number", json!(7), 7),
        ("a number in quotes", json!("7"), 7),
        ("one", json!(1), 1),
        ("null", json!(null), 5),
        ("zero", json!(0), 5),
        ("zero in quotes", json!("0"), 5),
        ("2^64-1", huge, 5),
        ("1e30", beyond, 5),
        ("negative", json!(-1), 5),
        ("fractional", json!(1.5), 5),
        ("text", json!("abc"), 5),
        ("an object", json!({"seconds": 7}), 5),
        ("longer than the code lives", json!(100_000), 5),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, changed(offer(&platform), json!({"interval": interval})));
        platform.answer(Call::Token, error("authorization_pending"));
        hands_out_tokens(&platform);
        succeeds(&Robot::of(&platform), &clock);
        assert_eq!(clock.sleeps(), [wait, wait], "{name}");
    }
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, without(offer(&platform), "interval"));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &clock);
    assert_eq!(clock.sleeps(), [5], "absent");
}

#[test]
fn slow_down_interval_never_shortens_the_wait() {
    let slow_down =
        |interval: Value| Answer::json(400, json!({"error": "slow_down", "interval": interval}));
    let pending = || error("authorization_pending");
    for (name, interval, waits_then) in [
        ("higher", json!(30), [5, 30, 30]),
        ("higher, in quotes", json!("30"), [5, 30, 30]),
        ("lower", json!(1), [5, 10, 10]),
        ("as before", json!(5), [5, 10, 10]),
        ("negative", json!(-1), [5, 10, 10]),
        ("2^64-1", json!(u64::MAX), [5, 10, 10]),
    ] {
        assert_eq!(waits(5, [slow_down(interval), pending()]), waits_then, "{name}");
    }
}

#[test]
fn error_member_decides_with_any_status() {
    for status in [200, 400, 401, 403, 428] {
        let say = |code: &str| Answer::json(status, json!({"error": code}));
        println!("case: {status}");
        assert_eq!(waits(5, [say("authorization_pending")]), [5, 5]);
        assert_eq!(waits(5, [say("slow_down")]), [5, 10]);
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(Call::Token, say("access_denied"));
        fails(&platform, &Robot::of(&platform), &clock, 1).says("the login was denied");
    }
}

#[test]
fn error_beside_tokens_is_an_error() {
    let (platform, clock) = (start(), FakeClock::new());
    for code in ["authorization_pending", "access_denied"] {
        let tokens = platform.tokens(platform.claims());
        platform.answer(Call::Token, Answer::json(200, changed(tokens, json!({"error": code}))));
    }
    fails(&platform, &Robot::of(&platform), &clock, 1).says("the login was denied");
    assert_eq!(clock.sleeps(), [5, 5]);
}

#[test]
fn final_error_says_why_and_what_to_run() {
    for (code, words) in [
        ("access_denied", "the login was denied (access_denied)"),
        ("expired_token", "expired"),
        ("invalid_grant", "expired, was already used, or is unknown"),
    ] {
        println!("case: {code}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(Call::Token, error(code));
        fails(&platform, &Robot::of(&platform), &clock, 1)
            .says(words)
            .says("rio auth login")
            .hides("browser");
        assert_eq!(platform.calls(Call::Token).len(), 1);
    }
}

#[test]
fn unknown_error_code_ends_the_login_and_is_shown() {
    for (status, body) in [
        (400, json!({"error": "grant_on_fire"})),
        (400, json!({"error": "grant_on_fire", "error_description": "Run!"})),
        (400, json!({"error": "grant_on_fire", "error_description": ""})),
        (400, json!({"error": "grant_on_fire", "error_description": 7})),
        // django-oauth-toolkit, for an unknown device code.
        (404, json!({"error": "device_not_found"})),
    ] {
        println!("case: {body}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(Call::Token, Answer::json(status, body.clone()));
        let code = body["error"].as_str().unwrap();
        fails(&platform, &Robot::of(&platform), &clock, 1).says(code).hides("browser");
        assert_eq!(platform.calls(Call::Token).len(), 1);
    }
}

#[test]
fn error_with_status_200_is_final_for_each_call() {
    for call in [Call::Discovery, Call::DeviceAuthorization, Call::Token] {
        println!("case: {call:?}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(call, Answer::json(200, json!({"error": "grant_on_fire"})));
        fails(&platform, &Robot::of(&platform), &clock, 1).says("grant_on_fire (200)");
        assert_eq!(platform.calls(call).len(), 1);
    }
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

#[test]
fn invalid_grant_after_server_error_mentions_a_lost_approval() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.answer(Call::Token, Answer::text(500, "text/plain", "oh no"));
    platform.answer(Call::Token, error("invalid_grant"));
    fails(&platform, &Robot::of(&platform), &clock, 1)
        .says("was already used")
        .says("the login may have been approved")
        .says("rio auth login");
}

#[test]
fn server_error_text_is_sanitized_and_shortened() {
    let (platform, clock) = (start(), FakeClock::new());
    let words = format!("\u{1b}]0;pwned\u{7}no\u{202e}pe\r\n{}", "x".repeat(5000));
    platform.answer(Call::Token, error(&words));
    let outcome = fails(&platform, &Robot::of(&platform), &clock, 1)
        .says("]0;pwnednope")
        .hides("\u{1b}")
        .hides("\u{7}")
        .hides("\u{202e}");
    assert!(outcome.stderr.lines().all(|line| line.len() < 400), "{outcome}");
}

// Failures

#[test]
fn failures_double_the_wait_until_a_response() {
    let cases: [Case<fn() -> Answer>; 7] = [
        ("502 with HTML", bad_gateway),
        ("the response ends early", || Answer::raw("HTTP/1.1 4")),
        ("no HTTP", || Answer::raw("SSH-2.0-OpenSSH_9.6\r\n")),
        ("500 as text", || Answer::text(500, "text/plain", "oh no")),
        ("429", || Answer::json(429, json!({"message": "too many requests"}))),
        ("server_error", || error("server_error")),
        ("a redirect", || Answer::text(302, "text/html", "").header("Location", "/portal")),
    ];
    for (name, failure) in cases {
        println!("case: {name}");
        let answers = [failure(), failure(), failure(), error("authorization_pending")];
        assert_eq!(waits(5, answers), [5, 10, 20, 30, 5], "{name}");
    }
}

#[test]
fn web_page_does_not_end_the_polling() {
    // It is from a captive portal, a firewall or a proxy.
    for status in [200, 403, 404] {
        println!("case: {status}");
        let page = Answer::text(status, "text/html", "<html>Please sign in</html>");
        assert_eq!(waits(5, [page, error("authorization_pending")]), [5, 10, 5]);
    }
}

#[test]
fn retry_after_is_honoured_in_seconds_and_as_date() {
    let busy =
        |value: &str| Answer::json(503, json!({"message": "busy"})).header("Retry-After", value);
    for (name, answer, wait) in [
        ("seconds", busy("90"), 90),
        (
            // It counts from the server's clock. This machine's may be years off.
            "a date",
            busy("Wed, 21 Oct 2015 07:29:30 GMT").header("Date", "Wed, 21 Oct 2015 07:28:00 GMT"),
            90,
        ),
        ("sooner than the doubled wait", busy("1"), 10),
        ("a date gone by", busy("Wed, 21 Oct 2015 07:29:30 GMT"), 10),
        ("unexpected", busy("soon"), 10),
        ("beside 429", Answer::json(429, json!({})).header("Retry-After", "90"), 90),
    ] {
        println!("case: {name}");
        assert_eq!(waits(5, [answer]), [5, wait], "{name}");
    }
}

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

// Deadline

#[test]
fn polling_ends_at_expiry_on_the_local_clock() {
    // The platform uses the real clock, on which the code is still valid.
    let (platform, clock) = (start(), FakeClock::new());
    platform.expires_in(12);
    fails(&platform, &Robot::of(&platform), &clock, 1).says("expired");
    assert_eq!(clock.sleeps(), [5, 5, 5]);
}

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
        ("zero", json!(0), 60, 10),
        ("negative", json!(-1), 60, 10),
        ("text", json!("soon"), 60, 10),
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

#[test]
fn missing_expires_in_is_ten_minutes() {
    let (platform, clock) = (start(), FakeClock::new());
    offers(&platform, without(offer(&platform), "expires_in"));
    hands_out_tokens(&platform);
    succeeds(&Robot::of(&platform), &clock).says("10 minutes");
}

// Token response

#[test]
fn token_response_variants_are_accepted() {
    for (name, changes) in [
        ("as it should be", json!({})),
        ("Bearer", json!({"token_type": "Bearer"})),
        ("BEARER", json!({"token_type": "BEARER"})),
        ("unknown members", json!({"ext": {"a": [1]}, "not-before-policy": 0, "scope": null})),
        ("expires_in is text", json!({"expires_in": "soon"})),
        ("negative expires_in", json!({"expires_in": -1})),
        ("expires_in above 64 bits", json!({"expires_in": 1e300})),
        ("error: null", json!({"error": null})),
        ("no refresh token", json!({"refresh_token": null})),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        let tokens = changed(platform.tokens(platform.claims()), changes);
        offers(&platform, offer(&platform));
        platform.answer(Call::Token, Answer::json(200, tokens));
        succeeds(&Robot::of(&platform), &clock);
    }
}

#[test]
fn incomplete_token_response_names_what_is_missing() {
    type Edit = fn(Value) -> Value;
    let cases: [(&str, Edit, &str); 8] = [
        ("no access_token", |tokens| without(tokens, "access_token"), "access_token"),
        (
            "empty access_token",
            |tokens| changed(tokens, json!({"access_token": ""})),
            "access_token",
        ),
        ("numeric access_token", |t| changed(t, json!({"access_token": 7})), "access_token"),
        ("no token_type", |tokens| without(tokens, "token_type"), "token_type"),
        ("other token_type", |t| changed(t, json!({"token_type": "mac"})), "token_type"),
        (
            // django-allauth and django-oauth-toolkit without OpenID Connect.
            "no id_token",
            |tokens| changed(without(tokens, "id_token"), json!({"refresh_token": "x"})),
            "id_token",
        ),
        ("id_token is an object", |t| changed(t, json!({"id_token": {}})), "id_token"),
        ("empty object", |_| json!({}), "access_token"),
    ];
    for (name, edit, missing) in cases {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        let tokens = edit(platform.tokens(platform.claims()));
        platform.answer(Call::Token, Answer::json(200, tokens));
        fails(&platform, &Robot::of(&platform), &clock, 1)
            .says(&format!("sent no valid {missing}"));
        assert_eq!(platform.calls(Call::Token).len(), 1, "{name}");
    }
}

#[test]
fn incomplete_body_stops_the_login() {
    let (platform, clock) = (start(), FakeClock::new());
    platform.answer(
        Call::Token,
        Answer::raw(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n\
             {\"access_token\":\"tail-cut-off",
        ),
    );
    fails(&platform, &Robot::of(&platform), &clock, 3)
        .says("incomplete response")
        .hides("tail-cut-off");
    assert_eq!(platform.calls(Call::Token).len(), 1);
}

#[test]
fn body_over_one_mebibyte_stops_the_login() {
    let (platform, clock) = (start(), FakeClock::new());
    // Two are enough. A client that reads on reaches the end of the connection and reports that.
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n";
    let body = [head.as_bytes(), &vec![b' '; 2 << 20]].concat();
    platform.answer(Call::Token, Answer::raw(body));
    fails(&platform, &Robot::of(&platform), &clock, 3)
        .says("answered the login with more than 1 MiB");
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
fn invalid_metadata_stops_the_login() {
    for (name, changes, code, words) in [
        ("another issuer", json!({"issuer": "https://evil.example"}), 1, "evil.example"),
        ("an issuer below it", json!({"issuer": "http://127.0.0.1"}), 1, "different issuer"),
        ("no issuer", json!({"issuer": null}), 1, "sent no valid issuer"),
        ("no token endpoint", json!({"token_endpoint": null}), 1, "sent no valid token_endpoint"),
        (
            "plain http for the device",
            json!({"device_authorization_endpoint": "http://oidc.example/device"}),
            1,
            "device_authorization_endpoint",
        ),
        (
            "plain http for the token",
            json!({"token_endpoint": "http://oidc.example/token"}),
            1,
            "token_endpoint",
        ),
        ("a path alone", json!({"token_endpoint": "/oauth2/token"}), 1, "token_endpoint"),
        ("a file", json!({"token_endpoint": "file:///etc/passwd"}), 1, "token_endpoint"),
        ("no device flow", json!({"device_authorization_endpoint": null}), 1, "device flow"),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        let metadata = changed(metadata(&platform), changes);
        platform.answer(Call::Discovery, Answer::json(200, metadata));
        fails(&platform, &Robot::of(&platform), &clock, code).says(words);
        assert_eq!(platform.requests().len(), 1, "{name}");
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
fn captive_portal_is_named_in_the_error() {
    for (name, portal) in [
        ("a page", Answer::text(200, "text/html; charset=utf-8", "<html>Welcome, guest</html>")),
        ("a page, in capitals", Answer::text(200, "TEXT/HTML", "<HTML>Welcome</HTML>")),
        ("a redirect", Answer::text(302, "text/html", "<html>").header("Location", "/portal")),
    ] {
        println!("case: {name}");
        let (platform, clock) = (start(), FakeClock::new());
        platform.answer(Call::Discovery, portal);
        let outcome = login(&Robot::of(&platform), &clock);
        let host = platform.host();
        outcome.hides("<").hides("Welcome").says(host).says("portal").exits(3);
        assert_eq!(platform.requests().len(), 1, "{name}");
    }
}

#[test]
fn discovery_is_tried_three_times() {
    let (platform, clock) = (start(), FakeClock::new());
    for _ in 0..3 {
        platform.answer(Call::Discovery, bad_gateway());
    }
    fails(&platform, &Robot::of(&platform), &clock, 3);
    assert_eq!(platform.requests().len(), 3);
    // One failure does not stop a login.
    platform.answer(Call::Discovery, bad_gateway());
    platform.approve_after(0);
    succeeds(&Robot::of(&platform), &clock);
}

#[test]
fn plain_http_to_another_host_is_rejected_before_any_request() {
    for host in ["http://oidc.example", "http://192.168.1.1:8080", "http://localhost.evil.example"]
    {
        let (robot, clock) = (Robot::new(), FakeClock::new());
        robot.write_config(&json!({"oidc_host": host}));
        // There is no network, so a request would end with exit code 3.
        login(&robot, &clock).exits(1).says("oidc_host").says("https://");
        assert_eq!(clock.sleeps(), [0; 0]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn insecure_http_variable_allows_plain_http() {
    let platform = start();
    // This address is local, but not a loopback address.
    let elsewhere = platform.url().replace("127.0.0.1", "0.0.0.0");
    let there = |insecure: &str| {
        let metadata = json!({
            "issuer": elsewhere,
            "device_authorization_endpoint": format!("{elsewhere}/oauth2/device/auth"),
            "token_endpoint": format!("{elsewhere}/oauth2/token"),
        });
        let page = json!({"verification_uri": "http://login.example/device"});
        if insecure == "1" {
            platform.answer(Call::Discovery, Answer::json(200, metadata));
            offers(&platform, changed(offer(&platform), page));
            let claims = changed(platform.claims(), json!({"iss": elsewhere}));
            platform.answer(Call::Token, Answer::json(200, platform.tokens(claims)));
        }
        let robot = Robot::new().env("RIO_INSECURE_HTTP", insecure);
        robot.write_config(&changed(platform.config(), json!({"oidc_host": elsewhere})));
        login(&robot, &FakeClock::new())
    };
    for no in ["0", "no", "true", "yes", ""] {
        there(no).exits(1);
        assert!(platform.requests().is_empty(), "{no:?}");
    }
    there("1").exits(0).says("http://login.example/device\n");
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

#[test]
fn login_works_with_the_clock_at_1970() {
    let (platform, clock) = (start(), FakeClock::in_1970());
    platform.approve_after(1);
    succeeds(&Robot::of(&platform), &clock);
}

// Redirects and URLs

#[test]
fn redirect_is_never_followed() {
    // The platform fails the test on a request for /elsewhere.
    for status in [301, 302, 303, 307, 308] {
        for call in [Call::Discovery, Call::DeviceAuthorization] {
            println!("case: {status} to {call:?}");
            let (platform, clock) = (start(), FakeClock::new());
            let elsewhere = format!("{}/elsewhere", platform.url());
            let redirect = Answer::text(status, "text/plain", "").header("Location", &elsewhere);
            platform.answer(call, redirect);
            fails(&platform, &Robot::of(&platform), &clock, 3).says("redirect");
        }
        println!("case: {status} to a poll");
        let redirect = Answer::text(status, "text/plain", "").header("Location", "/elsewhere");
        assert_eq!(waits(5, [redirect]), [5, 10]);
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

#[test]
fn failure_too_long_for_the_status_line_is_printed_above_it() {
    for (columns, above) in [(50, true), (120, false)] {
        let (platform, clock) = (start(), FakeClock::new());
        offers(&platform, offer(&platform));
        platform.answer(Call::Token, Answer::raw("HTTP/1.1 4"));
        hands_out_tokens(&platform);
        let robot = Robot::of(&platform);
        let screen = Screen { status_line: true, ..screen(columns, 24) };
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
