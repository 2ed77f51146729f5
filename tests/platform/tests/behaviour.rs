//! How the fake platform behaves, tested over plain sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use platform::{Answer, Call, EMAIL, Organization, PASSWORD, Platform, World, jwt};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

mod http {
    use super::*;

    pub struct Reply {
        pub status: u16,
        pub head: String,
        pub body: String,
    }

    impl Reply {
        pub fn json(&self) -> Value {
            serde_json::from_str(&self.body).expect(&self.body)
        }
    }

    /// A persistent connection.
    pub struct Client(BufReader<TcpStream>);

    impl Client {
        pub fn new(platform: &Platform) -> Client {
            let address = platform.host();
            Client(BufReader::new(TcpStream::connect(address).unwrap()))
        }

        pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            // One write: each of several small ones would wait for a delayed acknowledgement.
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
            self.0.get_mut().write_all(request.as_bytes()).unwrap();
        }

        /// Reads until the platform closes the connection.
        pub fn rest(&mut self) -> String {
            let mut rest = String::new();
            self.0.read_to_string(&mut rest).unwrap();
            rest
        }

        pub fn receive(&mut self) -> Reply {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "hung up after {head:?}");
            }
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "))
                .map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            self.0.read_exact(&mut body).unwrap();
            Reply {
                status: head.split(' ').nth(1).unwrap().parse().unwrap(),
                body: String::from_utf8(body).unwrap(),
                head,
            }
        }

        pub fn ask(
            &mut self,
            method: &str,
            target: &str,
            headers: &[(&str, &str)],
            body: &str,
        ) -> Reply {
            self.send(method, target, headers, body);
            self.receive()
        }
    }

    pub fn get(platform: &Platform, target: &str) -> Reply {
        Client::new(platform).ask("GET", target, &[], "")
    }

    pub fn get_as(platform: &Platform, token: &str, target: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        Client::new(platform).ask("GET", target, &[("Authorization", &bearer)], "")
    }

    pub fn post(platform: &Platform, target: &str, form: &str) -> Reply {
        Client::new(platform).ask("POST", target, &[("Content-Type", FORM)], form)
    }

    pub fn post_json(platform: &Platform, target: &str, body: Value) -> Reply {
        let headers = [("Content-Type", "application/json")];
        Client::new(platform).ask("POST", target, &headers, &body.to_string())
    }
}

use http::{Client, get, get_as, post, post_json};

/// Starts a device flow, and returns the device code and the user code.
fn begin(platform: &Platform) -> (String, String) {
    let form = "client_id=rio-cli&scope=openid+email";
    let grant = post(platform, Call::DeviceAuthorization.path(), form).json();
    let code = |name: &str| grant[name].as_str().unwrap().to_owned();
    (code("device_code"), code("user_code"))
}

fn poll(platform: &Platform, device_code: &str) -> Value {
    let grant_type = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    let form = format!("grant_type={grant_type}&client_id=rio-cli&device_code={device_code}");
    post(platform, Call::Token.path(), &form).json()
}

fn claims_of(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "the condition was not met");
        std::thread::yield_now();
    }
}

/// The message of the panic when the platform is dropped.
fn drop_message(platform: Platform) -> String {
    let panic =
        catch_unwind(AssertUnwindSafe(|| drop(platform))).expect_err("the drop did not panic");
    *panic.downcast::<String>().unwrap()
}

mod script {
    use super::*;

    #[test]
    fn scripted_answers_are_sent_in_order() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::json(500, json!({"n": 1})));
        platform.answer(Call::Discovery, Answer::unscripted());
        platform.answer(
            Call::Discovery,
            Answer::text(503, "text/html", "<p>2").header("Retry-After", "7"),
        );
        let replies: Vec<_> = (0..4).map(|_| get(&platform, Call::Discovery.path())).collect();
        assert_eq!(
            replies.iter().map(|reply| reply.status).collect::<Vec<_>>(),
            [500, 200, 503, 200]
        );
        assert!(replies[2].head.contains("Retry-After: 7\r\n"));
        assert_eq!(replies[2].body, "<p>2");
    }

    #[test]
    fn unused_answer_fails_drop() {
        let platform = Platform::start();
        platform.answer(Call::UserInfo, Answer::hang_up());
        assert!(drop_message(platform).contains("unused answer to UserInfo"));
    }

    #[test]
    fn raw_answer_and_hang_up_close_the_connection() {
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half";
        for (answer, sent) in [(Answer::raw(cut), cut), (Answer::hang_up(), "")] {
            let platform = Platform::start();
            platform.answer(Call::Token, answer);
            let mut client = Client::new(&platform);
            client.send("POST", Call::Token.path(), &[], "a=b");
            assert_eq!(client.rest(), sent);
        }
    }

    #[test]
    fn stalled_request_does_not_delay_others() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::stall(Duration::from_millis(200)));
        let start = Instant::now();
        let mut client = Client::new(&platform);
        client.send("GET", Call::Discovery.path(), &[], "");
        wait_until(|| !platform.requests().is_empty());
        assert_eq!(get(&platform, Call::Discovery.path()).status, 200);
        assert!(start.elapsed() < Duration::from_millis(200));
        assert_eq!(client.rest(), "");
        assert!(start.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn unfinished_response_does_not_delay_drop() {
        let long = Answer::text(200, "application/json", vec![b' '; 50_000_000]);
        for (answer, sends) in [(Answer::stall(Duration::from_secs(600)), false), (long, true)] {
            let platform = Platform::start();
            platform.answer(Call::Discovery, answer);
            let mut client = Client::new(&platform);
            client.send("GET", Call::Discovery.path(), &[], "");
            wait_until(|| !platform.requests().is_empty());
            let start = Instant::now();
            drop(platform);
            assert!(start.elapsed() < Duration::from_secs(5));
            assert!(sends || client.rest().is_empty());
        }
    }

    #[test]
    #[should_panic = "use Answer::raw"]
    fn framing_header_is_rejected() {
        let _ = Answer::json(200, json!({})).header("connection", "close");
    }
}

mod server {
    use super::*;

    #[test]
    fn unknown_path_returns_404_and_fails_drop() {
        let platform = Platform::start();
        assert_eq!(get(&platform, "/v2/users/me").status, 404);
        assert_eq!(get(&platform, "/favicon.ico").status, 404);
        assert_eq!(drop_message(platform), "unknown request: GET /v2/users/me");
    }

    #[test]
    fn one_connection_serves_many_requests() {
        let platform = Platform::start();
        let mut client = Client::new(&platform);
        let long = "x".repeat(5000);
        for body in ["", "a=b", long.as_str()] {
            assert_eq!(client.ask("POST", Call::Token.path(), &[], body).status, 400);
        }
        assert_eq!(client.ask("GET", Call::Discovery.path(), &[], "").status, 200);
        assert_eq!(platform.connections(), 1);
        assert_eq!(get(&platform, Call::Discovery.path()).status, 200);
        assert_eq!(platform.connections(), 2);
        let requests = platform.requests();
        assert_eq!(requests[2].body, long);
        assert_eq!(requests[0].peer, requests[3].peer);
        assert_ne!(requests[0].peer, requests[4].peer);
    }

    #[test]
    fn requests_are_recorded() {
        let platform = Platform::start();
        let headers = [("Content-Type", FORM), ("User-Agent", "rio/1")];
        Client::new(&platform).ask("POST", "/oauth2/token?x=%2F", &headers, "scope=a+b&scope=%26");
        let request = &platform.calls(Call::Token)[0];
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/oauth2/token", "x=%2F"));
        assert_eq!(request.params(), [("x".into(), "/".into())]);
        assert_eq!(request.form(), [("scope".into(), "a b".into()), ("scope".into(), "&".into())]);
        assert_eq!(request.header("user-agent"), Some("rio/1"));
        assert_eq!(request.json(), Value::Null);
        assert!(platform.calls(Call::UserInfo).is_empty());
    }

    #[test]
    fn responses_have_content_type_and_chosen_date() {
        let platform = Platform::start();
        let reply = get(&platform, Call::UserInfo.path());
        assert!(reply.head.contains("Content-Type: application/json\r\n"), "{}", reply.head);
        assert!(reply.head.contains("Date: "), "{}", reply.head);
        platform.date(Some("Tue, 01 Jan 2030 00:00:00 GMT".into()));
        let reply = get(&platform, "/device");
        assert!(reply.head.contains("Content-Type: text/html"), "{}", reply.head);
        assert_eq!(reply.head.matches("Date: ").count(), 1, "{}", reply.head);
        assert!(reply.head.contains("Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n"), "{}", reply.head);
    }

    #[test]
    fn out_of_service_answers_503_until_ended() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::text(418, "text/plain", "scripted"));
        platform.out_of_service(true);
        assert_eq!(get(&platform, Call::Discovery.path()).status, 503);
        platform.out_of_service(false);
        assert_eq!(get(&platform, Call::Discovery.path()).status, 418);
    }

    #[test]
    fn public_url_appears_in_metadata() {
        let platform = Platform::start();
        platform.public_url("http://127.0.0.1:9");
        let metadata = get(&platform, Call::Discovery.path()).json();
        assert_eq!(metadata["issuer"], "http://127.0.0.1:9");
        assert_eq!(metadata["token_endpoint"], "http://127.0.0.1:9/oauth2/token");
    }

    #[test]
    fn request_records_when_response_was_sent() {
        let platform = Platform::start();
        platform.answer(Call::UserInfo, Answer::hang_up());
        let mut client = Client::new(&platform);
        client.ask("GET", Call::Discovery.path(), &[], "");
        wait_until(|| platform.requests()[0].answered.is_some());
        client.send("GET", Call::UserInfo.path(), &[], "");
        client.rest();
        let requests = platform.requests();
        assert!(requests[0].answered.unwrap() >= requests[0].at);
        assert!(requests[0].answered.unwrap() <= requests[1].at);
        assert_eq!(requests[1].answered, None);
    }

    #[test]
    fn hundred_simultaneous_connections_are_served() {
        let mut platform = Platform::start();
        platform.expect_many_clients();
        let platform = &platform;
        let visit = || {
            let mut client = Client::new(platform);
            assert_eq!(client.ask("GET", Call::Discovery.path(), &[], "").status, 200);
            client
        };
        let visitors: Vec<Client> = std::thread::scope(|scope| {
            let visitors: Vec<_> = (0..100).map(|_| scope.spawn(visit)).collect();
            visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect()
        });
        assert_eq!(visitors.len(), platform.connections());
    }

    #[test]
    fn drop_closes_port_and_connections() {
        let platform = Platform::start();
        let address = platform.host().to_owned();
        let mut client = Client::new(&platform);
        client.ask("GET", Call::Discovery.path(), &[], "");
        drop(platform);
        assert_eq!(client.rest(), "");
        assert!(TcpStream::connect(address).is_err());
    }
}

mod device_flow {
    use super::*;

    #[test]
    fn approved_login_returns_valid_token() {
        let platform = Platform::start();
        platform.allow_early_polls();
        let metadata = get(&platform, Call::Discovery.path()).json();
        assert_eq!(metadata["issuer"], platform.url());
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        platform.approve();
        let tokens = poll(&platform, &device_code);
        assert_eq!(tokens["token_type"], "bearer");
        let claims = claims_of(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["iss"], platform.url());
        assert_eq!(claims["aud"], json!(["rio-cli"]));
        let rio_token = claims["rio_token"].as_str().unwrap();
        let user = get_as(&platform, rio_token, Call::UserInfo.path()).json();
        assert_eq!(user, json!({"data": {"email": EMAIL}}));
        assert_eq!(poll(&platform, &device_code)["error"], "invalid_grant");
    }

    #[test]
    fn denied_expired_and_unknown_codes_fail() {
        let platform = Platform::start();
        let (denied, _) = begin(&platform);
        platform.deny();
        platform.expires_in(0);
        let (expired, _) = begin(&platform);
        assert_eq!(poll(&platform, &denied)["error"], "access_denied");
        assert_eq!(poll(&platform, &expired)["error"], "expired_token");
        assert_eq!(poll(&platform, "never-issued")["error"], "invalid_grant");
    }

    #[test]
    fn approve_after_counts_pending_polls() {
        let platform = Platform::start();
        platform.allow_early_polls();
        platform.approve_after(2);
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert!(poll(&platform, &device_code)["id_token"].is_string());
    }

    #[test]
    fn slow_down_raises_interval_for_good() {
        let platform = Platform::start();
        platform.interval(1);
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert_eq!(poll(&platform, &device_code)["error"], "slow_down");
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(poll(&platform, &device_code)["error"], "slow_down");
        platform.allow_early_polls();
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
    }

    #[test]
    fn punctual_poll_gets_no_slow_down() {
        let platform = Platform::start();
        platform.interval(1);
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        std::thread::sleep(Duration::from_millis(960));
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
    }

    #[test]
    fn invalid_requests_are_rejected() {
        let platform = Platform::start();
        let device = Call::DeviceAuthorization.path();
        for (path, form, error) in [
            (device, "scope=openid+email", "invalid_request"),
            (device, "client_id=a&client_id=a&scope=openid+email", "invalid_request"),
            (device, "client_id=a&scope=openid", "invalid_scope"),
            (
                Call::Token.path(),
                "grant_type=password&client_id=a&device_code=b",
                "unsupported_grant_type",
            ),
            (Call::Token.path(), "client_id=a&device_code=b", "invalid_request"),
        ] {
            let reply = post(&platform, path, form);
            assert_eq!(
                (reply.status, reply.json()["error"].as_str()),
                (400, Some(error)),
                "{form}"
            );
        }
        assert_eq!(post_json(&platform, device, json!({"client_id": "a"})).status, 400);
    }

    #[test]
    fn user_codes_have_eight_unambiguous_letters() {
        let platform = Platform::start();
        for _ in 0..20 {
            let (_, code) = begin(&platform);
            assert_eq!(code.len(), 8);
            assert!(code.chars().all(|c| c.is_ascii_alphabetic() && !"OIlo".contains(c)), "{code}");
        }
    }
}

mod page {
    use super::*;

    #[test]
    fn typed_code_approves_its_device() {
        let platform = Platform::start();
        let (first, code) = begin(&platform);
        let (second, _) = begin(&platform);
        let (left, right) = code.split_at(4);
        let typed = format!("user_code=+{left}-{right}+%0A");
        let page = post(&platform, "/device", &typed);
        assert_eq!(page.status, 200);
        assert!(page.body.contains(&code) && page.body.contains("Approve"), "{}", page.body);
        let page = post(&platform, "/device", &format!("{typed}&decision=approve"));
        assert!(page.body.contains("go back to your device."), "{}", page.body);
        assert!(poll(&platform, &first)["id_token"].is_string());
        assert_eq!(poll(&platform, &second)["error"], "authorization_pending");
    }

    #[test]
    fn denial_ends_the_login() {
        let platform = Platform::start();
        let (device_code, code) = begin(&platform);
        let page = post(&platform, "/device", &format!("user_code={code}&decision=deny"));
        assert!(page.body.contains("Denied"), "{}", page.body);
        assert_eq!(poll(&platform, &device_code)["error"], "access_denied");
        assert_eq!(get(&platform, &format!("/device?user_code={code}")).status, 400);
    }

    #[test]
    fn codes_are_case_sensitive() {
        let platform = Platform::start();
        let (_, code) = begin(&platform);
        let other: String = code
            .chars()
            .map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            .collect();
        let page = get(&platform, &format!("/device?user_code={other}"));
        assert_eq!(page.status, 400);
        assert!(page.body.contains("No device shows this code"), "{}", page.body);
    }

    #[test]
    fn expired_code_is_reported() {
        let platform = Platform::start();
        platform.expires_in(0);
        let (_, code) = begin(&platform);
        let page = get(&platform, &format!("/device?user_code={code}"));
        assert_eq!(page.status, 400);
        assert!(page.body.contains("has expired"), "{}", page.body);
    }

    #[test]
    fn client_data_is_shown_escaped() {
        let platform = Platform::start();
        let headers = [("Content-Type", FORM), ("User-Agent", "<script>'\"&")];
        let form = "client_id=%3Cb%3E&scope=openid+email";
        let mut client = Client::new(&platform);
        let grant = client.ask("POST", Call::DeviceAuthorization.path(), &headers, form).json();
        let uri = grant["verification_uri_complete"].as_str().unwrap();
        let page = get(&platform, uri.strip_prefix(platform.url()).unwrap());
        assert_eq!(page.status, 200);
        for shown in ["&lt;script&gt;&#39;&quot;&amp;", "&lt;b&gt;", "127.0.0.1", "just now", EMAIL]
        {
            assert!(page.body.contains(shown), "{shown} not in {}", page.body);
        }
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>"), "{}", page.body);
        let page = get(&platform, "/device?user_code=%22%3E%3Cscript%3E");
        assert!(page.body.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{}", page.body);
    }
}

mod api {
    use super::*;

    #[test]
    fn login_type_sets_token_lifetime() {
        let platform = Platform::start();
        platform.now(1_000_000);
        let credentials = json!({"email": EMAIL, "password": PASSWORD});
        for (kind, hours) in [("low", 24), ("med", 7 * 24), ("high", 30 * 24)] {
            let path = format!("/user/login?type={kind}");
            let answer = post_json(&platform, &path, credentials.clone()).json();
            let token = answer["data"]["token"].as_str().unwrap();
            assert_eq!(claims_of(token)["exp"], 1_000_000 + hours * 3600);
        }
        assert_eq!(post_json(&platform, "/user/login?type=max", credentials).status, 400);
        let wrong = json!({"email": EMAIL, "password": "guess"});
        assert_eq!(post_json(&platform, "/user/login?type=low", wrong).status, 401);
    }

    #[test]
    fn refreshed_token_has_either_member_name() {
        let platform = Platform::start();
        let token = json!({"token": platform.issue_token()});
        let path = Call::RefreshToken.path();
        assert!(post_json(&platform, path, token.clone()).json()["data"]["Token"].is_string());
        platform.refresh_as("token");
        assert!(post_json(&platform, path, token).json()["data"]["token"].is_string());
        assert_eq!(post_json(&platform, path, json!({"token": "x"})).status, 401);
    }

    #[test]
    fn logout_and_revocation_invalidate_token() {
        let platform = Platform::start();
        let (token, other) = (platform.issue_token(), platform.issue_token());
        assert_eq!(get_as(&platform, &token, Call::UsersMe.path()).status, 200);
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let mut client = Client::new(&platform);
        assert_eq!(client.ask("POST", Call::UserLogout.path(), &headers, "").status, 200);
        assert_eq!(get_as(&platform, &token, Call::UsersMe.path()).status, 401);
        platform.revoke(&other);
        assert_eq!(get_as(&platform, &other, Call::UserInfo.path()).status, 401);
    }

    #[test]
    fn token_expires_but_has_not_ended() {
        let platform = Platform::start();
        platform.now(1_000_000);
        let token = platform.issue_token();
        for (seconds, status) in [(7 * 24 * 3600 - 1, 200), (7 * 24 * 3600, 401)] {
            platform.now(1_000_000 + seconds);
            assert_eq!(get_as(&platform, &token, Call::UserInfo.path()).status, status);
        }
        let body = json!({"token": token});
        assert_eq!(post_json(&platform, Call::RefreshToken.path(), body).status, 401);
        assert!(!platform.has_ended(&token));
        platform.revoke(&token);
        assert!(platform.has_ended(&token));
    }

    #[test]
    fn user_lists_organizations() {
        let platform = Platform::start();
        let user = get_as(&platform, &platform.issue_token(), Call::UsersMe.path()).json();
        assert_eq!(user["spec"]["emailID"], EMAIL);
        let acme = &user["spec"]["organizations"][0];
        assert_eq!(acme["guid"], "org-acmerobotics");
        assert_eq!(acme["name"], "Acme Robotics");
        assert_eq!(acme["shortGUID"], "acmer");
        assert_eq!(user["spec"]["organizations"][1]["name"], "warehouse-lab");
    }

    #[test]
    fn projects_are_paged_and_filtered_by_name() {
        let names: Vec<String> = (0..5).map(|n| format!("robot-{n}")).collect();
        let platform = Platform::with(World::of([Organization::new("Acme", names)]));
        let token = platform.issue_token();
        let ask = |query: &str| {
            let path = format!("/v2/projects/?organizations=org-acme&{query}");
            let page = get_as(&platform, &token, &path).json();
            let items = page["items"].as_array().unwrap().iter();
            let names: Vec<_> = items.map(|item| item["metadata"]["name"].to_string()).collect();
            (page["metadata"]["continue"].as_u64().unwrap(), names.join(" "))
        };
        assert_eq!(ask("continue=0&limit=2"), (2, r#""robot-0" "robot-1""#.into()));
        assert_eq!(ask("continue=2&limit=2"), (4, r#""robot-2" "robot-3""#.into()));
        assert_eq!(ask("continue=4&limit=2"), (5, r#""robot-4""#.into()));
        assert_eq!(ask("continue=5&limit=2"), (5, String::new()));
        assert_eq!(ask("continue=0&limit=2&name=robot-3"), (1, r#""robot-3""#.into()));
        assert_eq!(get_as(&platform, &token, "/v2/projects/?organizations=org-x").status, 404);
    }

    #[test]
    fn id_token_contains_given_claims() {
        let platform = Platform::start();
        let mut claims = platform.claims();
        claims["aud"] = "someone-else".into();
        assert_eq!(claims_of(&platform.id_token(claims.clone())), claims);
        let tokens = platform.tokens(claims.clone());
        assert_eq!(claims_of(tokens["id_token"].as_str().unwrap()), claims);
        assert_eq!(jwt(json!({"alg": "none"}), json!({})).split('.').count(), 3);
    }
}
