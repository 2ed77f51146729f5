//! Opening a page in the browser of a graphical session.

use std::process::{Command, Stdio};

use crate::host::env::Env;

/// These would take over the very terminal the code is shown on.
const TEXT_BROWSERS: [&str; 7] =
    ["lynx", "links", "links2", "elinks", "w3m", "www-browser", "browsh"];

/// A program and its arguments.
pub type CommandLine = Vec<String>;

/// The command lines to try, in order, to open the page; none without a graphical session.
///
/// `$BROWSER` holds one command or several with `:` between; `%s` in it stands for the URL. There is no
/// shell: the URL is one argument, whatever it holds.
pub fn commands(env: &Env, url: &str) -> Vec<CommandLine> {
    let graphical = env.get("DISPLAY").is_some()
        || env.get("WAYLAND_DISPLAY").is_some()
        || (cfg!(target_os = "macos") && env.get("SSH_CONNECTION").is_none());
    if !graphical || !is_web_page(url) {
        return Vec::new();
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let chosen = env.text("BROWSER").unwrap_or(opener);
    chosen.split(':').filter_map(|command| command_line(command, url)).collect()
}

/// Schemes have no case (RFC 3986 §3.1), and URLs made for QR codes are often in capitals.
fn is_web_page(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("https" | "http"))
}

fn command_line(command: &str, url: &str) -> Option<CommandLine> {
    let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    let program = words.first()?.rsplit('/').next()?;
    if TEXT_BROWSERS.contains(&program) {
        return None;
    }
    if words.iter().any(|word| word.contains("%s")) {
        words = words.into_iter().map(|word| word.replace("%s", url)).collect();
    } else {
        words.push(url.to_owned());
    }
    Some(words)
}

/// Starts the first command that can be started, away from the terminal. That none can is no error:
/// the URL is on the screen.
pub fn start(commands: &[CommandLine]) {
    use std::os::unix::process::CommandExt;

    for words in commands {
        let Some((program, arguments)) = words.split_first() else { continue };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A session of its own: Ctrl-C is not for the browser, and whatever an opener falls back to
        // finds no terminal to write on.
        // SAFETY: both calls are async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
                Ok(())
            });
        }
        if command.spawn().is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://oidc.example/device?user_code=a;b";

    fn commands_with(variables: &[(&str, &str)]) -> Vec<Vec<String>> {
        commands(&Env::new(variables.iter().copied(), None), URL)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_is_opened_without_a_graphical_session() {
        assert!(commands_with(&[("BROWSER", "firefox")]).is_empty());
        assert_eq!(commands_with(&[("DISPLAY", ":0")]), [["xdg-open", URL]]);
        assert_eq!(commands_with(&[("WAYLAND_DISPLAY", "wayland-0")]), [["xdg-open", URL]]);
    }

    #[test]
    fn the_url_stays_one_argument_of_the_users_browser() {
        let chosen =
            commands_with(&[("DISPLAY", ":0"), ("BROWSER", "firefox --new-tab:kfm --u=%s")]);
        let with_url = format!("--u={URL}");
        assert_eq!(chosen, [vec!["firefox", "--new-tab", URL], vec!["kfm", with_url.as_str()]]);
    }

    #[test]
    fn a_text_browser_is_never_started() {
        let chosen = commands_with(&[("DISPLAY", ":0"), ("BROWSER", "/usr/bin/w3m:lynx")]);
        assert!(chosen.is_empty());
    }

    #[test]
    fn only_a_web_page_is_opened() {
        let env = Env::new([("DISPLAY", ":0")], None);
        for url in ["file:///etc/passwd", "-version", "javascript:alert(1)"] {
            assert!(commands(&env, url).is_empty(), "{url}");
        }
        assert!(!commands(&env, "HTTPS://OIDC.EXAMPLE/DEVICE").is_empty());
    }
}
