//! What the fake promises to those who test against it, by plain HTTP over plain sockets.

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

    /// A connection that is kept between requests.
    pub struct Client(BufReader<TcpStream>);

    impl Client {
        pub fn new(platform: &Platform) -> Client {
            let address = platform.url().trim_start_matches("http://");
            Client(BufReader::new(TcpStream::connect(address).unwrap()))
        }

        pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) {
            let headers: String =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let length = body.len();
            // One write: in pieces, each would wait for a delayed acknowledgement.
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            );
            self.0.get_mut().write_all(request.as_bytes()).unwrap();
        }

        /// Everything until the platform ends the connection.
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

/// Starts a device flow and gives its device code and user code.
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

/// What the platform complains of when it goes.
fn complaint(platform: Platform) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(platform))).expect_err("no complaint");
    *panic.downcast::<String>().unwrap()
}

mod script {
    use super::*;

    #[test]
    fn comes_before_the_live_answer_first_in_first_out() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::json(500, json!({"n": 1})));
        platform.answer(Call::Discovery, Answer::live());
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
    fn left_unused_fails_the_drop() {
        let platform = Platform::start();
        platform.answer(Call::UserInfo, Answer::hang_up());
        assert!(complaint(platform).contains("unused answer to UserInfo"));
    }

    #[test]
    fn raw_bytes_are_sent_as_they_are_and_end_the_connection() {
        let platform = Platform::start();
        let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half";
        platform.answer(Call::Token, Answer::raw(cut));
        let mut client = Client::new(&platform);
        client.send("POST", Call::Token.path(), &[], "a=b");
        assert_eq!(client.rest(), cut);
    }

    #[test]
    fn hang_up_sends_nothing() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::hang_up());
        let mut client = Client::new(&platform);
        client.send("GET", Call::Discovery.path(), &[], "");
        assert_eq!(client.rest(), "");
    }

    #[test]
    fn stall_is_silent_for_its_time_and_holds_up_nobody_else() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::stall(Duration::from_millis(200)));
        let start = Instant::now();
        let mut client = Client::new(&platform);
        client.send("GET", Call::Discovery.path(), &[], "");
        while platform.requests().is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(get(&platform, Call::Discovery.path()).status, 200);
        assert!(start.elapsed() < Duration::from_millis(200));
        assert_eq!(client.rest(), "");
        assert!(start.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn stall_does_not_delay_the_drop() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::stall(Duration::from_secs(600)));
        let mut client = Client::new(&platform);
        client.send("GET", Call::Discovery.path(), &[], "");
        while platform.requests().is_empty() {
            std::thread::yield_now();
        }
        let start = Instant::now();
        drop(platform);
        assert!(start.elapsed() < Duration::from_secs(5));
        assert_eq!(client.rest(), "");
    }

    #[test]
    fn a_client_that_does_not_read_does_not_delay_the_drop() {
        let platform = Platform::start();
        let long = vec![b' '; 50_000_000];
        platform.answer(Call::Discovery, Answer::text(200, "application/json", long));
        let mut client = Client::new(&platform);
        client.send("GET", Call::Discovery.path(), &[], "");
        while platform.requests().is_empty() {
            std::thread::yield_now();
        }
        let start = Instant::now();
        drop(platform);
        assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    #[should_panic = "use Answer::raw"]
    fn a_header_that_would_get_lost_is_refused() {
        let _ = Answer::json(200, json!({})).header("connection", "close");
    }
}

mod server {
    use super::*;

    #[test]
    fn an_unknown_path_is_404_and_fails_the_drop() {
        let platform = Platform::start();
        assert_eq!(get(&platform, "/v2/users/me").status, 404);
        assert_eq!(get(&platform, "/favicon.ico").status, 404);
        assert_eq!(complaint(platform), "unknown request: GET /v2/users/me");
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
    fn records_what_was_asked() {
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
    fn every_answer_has_a_type_and_a_date_of_choice() {
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
    fn is_away_and_comes_back() {
        let platform = Platform::start();
        platform.answer(Call::Discovery, Answer::text(418, "text/plain", "scripted"));
        platform.out_of_service(true);
        assert_eq!(get(&platform, Call::Discovery.path()).status, 503);
        platform.out_of_service(false);
        assert_eq!(get(&platform, Call::Discovery.path()).status, 418);
    }

    #[test]
    fn names_the_origin_that_stands_before_it() {
        let platform = Platform::start();
        platform.seen_at("http://127.0.0.1:9");
        let metadata = get(&platform, Call::Discovery.path()).json();
        assert_eq!(metadata["issuer"], "http://127.0.0.1:9");
        assert_eq!(metadata["token_endpoint"], "http://127.0.0.1:9/oauth2/token");
    }

    #[test]
    fn tells_when_an_answer_was_sent() {
        let platform = Platform::start();
        platform.answer(Call::UserInfo, Answer::hang_up());
        let mut client = Client::new(&platform);
        client.ask("GET", Call::Discovery.path(), &[], "");
        client.send("GET", Call::UserInfo.path(), &[], "");
        client.rest();
        let requests = platform.requests();
        assert!(requests[0].answered.unwrap() >= requests[0].at);
        assert!(requests[0].answered.unwrap() <= requests[1].at);
        assert_eq!(requests[1].answered, None);
    }

    #[test]
    fn serves_a_crowd_that_comes_at_once_and_stays() {
        let mut platform = Platform::start();
        platform.expect_a_crowd();
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
    fn closes_its_port_and_its_connections_when_dropped() {
        let platform = Platform::start();
        let address = platform.url().trim_start_matches("http://").to_owned();
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
    fn from_discovery_to_a_token_that_works() {
        let platform = Platform::start();
        platform.lenient();
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
    fn ends_with_a_denial_or_with_the_life_of_the_code() {
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
    fn approves_by_itself_after_so_many_pending_answers() {
        let platform = Platform::start();
        platform.lenient();
        platform.approve_after(2);
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert!(poll(&platform, &device_code)["id_token"].is_string());
    }

    #[test]
    fn says_slow_down_to_a_hasty_client_and_means_it() {
        let platform = Platform::start();
        platform.interval(1);
        let (device_code, _) = begin(&platform);
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
        assert_eq!(poll(&platform, &device_code)["error"], "slow_down");
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(poll(&platform, &device_code)["error"], "slow_down");
        platform.lenient();
        assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
    }

    #[test]
    fn takes_a_poll_that_keeps_the_interval() {
        let platform = Platform::start();
        platform.interval(1);
        let (device_code, _) = begin(&platform);
        for _ in 0..2 {
            assert_eq!(poll(&platform, &device_code)["error"], "authorization_pending");
            std::thread::sleep(Duration::from_millis(960));
        }
    }

    #[test]
    fn refuses_requests_that_the_standard_forbids() {
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
    fn user_codes_have_eight_letters_that_nobody_mistakes() {
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
    fn approves_the_device_whose_code_was_typed() {
        let platform = Platform::start();
        let (first, code) = begin(&platform);
        let (second, _) = begin(&platform);
        let (left, right) = code.split_at(4);
        let typed = format!("user_code=+{left}-{right}+%0A");
        let page = post(&platform, "/device", &typed);
        assert_eq!(page.status, 200);
        assert!(page.body.contains(&code) && page.body.contains("Approve"), "{}", page.body);
        let page = post(&platform, "/device", &format!("{typed}&decision=approve"));
        assert!(page.body.contains("You can go back to your device."), "{}", page.body);
        assert!(poll(&platform, &first)["id_token"].is_string());
        assert_eq!(poll(&platform, &second)["error"], "authorization_pending");
    }

    #[test]
    fn denies_too() {
        let platform = Platform::start();
        let (device_code, code) = begin(&platform);
        let page = post(&platform, "/device", &format!("user_code={code}&decision=deny"));
        assert!(page.body.contains("Denied"), "{}", page.body);
        assert_eq!(poll(&platform, &device_code)["error"], "access_denied");
        assert_eq!(get(&platform, &format!("/device?user_code={code}")).status, 400);
    }

    #[test]
    fn tells_capital_letters_from_small_ones() {
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
    fn says_when_a_code_has_expired() {
        let platform = Platform::start();
        platform.expires_in(0);
        let (_, code) = begin(&platform);
        let page = get(&platform, &format!("/device?user_code={code}"));
        assert_eq!(page.status, 400);
        assert!(page.body.contains("has expired"), "{}", page.body);
    }

    #[test]
    fn shows_who_asks_and_escapes_what_they_say() {
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
    fn logs_in_with_the_right_password_for_as_long_as_the_type_says() {
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
    fn refreshes_under_either_name() {
        let platform = Platform::start();
        let token = json!({"token": platform.issue_token()});
        let path = Call::RefreshToken.path();
        assert!(post_json(&platform, path, token.clone()).json()["data"]["Token"].is_string());
        platform.refresh_as("token");
        assert!(post_json(&platform, path, token).json()["data"]["token"].is_string());
        assert_eq!(post_json(&platform, path, json!({"token": "x"})).status, 401);
    }

    #[test]
    fn a_token_is_dead_after_logout_or_revocation() {
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
    fn lists_the_organizations_of_the_world() {
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
    fn pages_projects_and_finds_one_by_its_name() {
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
    fn forged_tokens_have_three_parts_and_the_claims_asked_for() {
        let platform = Platform::start();
        let mut claims = platform.claims();
        claims["aud"] = "someone-else".into();
        assert_eq!(claims_of(&platform.id_token(claims.clone())), claims);
        let tokens = platform.tokens(claims.clone());
        assert_eq!(claims_of(tokens["id_token"].as_str().unwrap()), claims);
        assert_eq!(jwt(json!({"alg": "none"}), json!({})).split('.').count(), 3);
    }
}
