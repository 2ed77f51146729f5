//! Opens a page in the browser of a graphical session.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::machine::env::Env;

/// They would take over the terminal that shows the code.
const TEXT_BROWSERS: [&str; 7] =
    ["lynx", "links", "links2", "elinks", "w3m", "www-browser", "browsh"];

/// A program and its arguments.
pub type CommandLine = Vec<String>;

/// The command lines to try, in order; none without a graphical session of this machine, and none over ssh: with
/// a forwarded `DISPLAY`, the browser would run on the robot.
///
/// `$BROWSER` holds one or more commands, separated by `:`; `%s` stands for the URL. No shell runs them, so
/// the URL stays one argument.
pub fn commands(env: &Env, url: &str) -> Vec<CommandLine> {
    let any = |names: &[&str]| names.iter().any(|name| env.get(name).is_some());
    // A name before the colon is that of another machine, or of the forwarding of ssh, as under sudo.
    let local_display = env.string("DISPLAY").is_some_and(|display| display.starts_with(':'));
    let graphical = cfg!(target_os = "macos") || local_display || any(&["WAYLAND_DISPLAY"]);
    let over_ssh = any(&["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]);
    if !graphical || over_ssh || !is_web_page(url) {
        return Vec::new();
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let chosen = env.string("BROWSER").unwrap_or(opener);
    chosen.split(':').filter_map(|command| command_line(command, url)).collect()
}

/// Schemes are case-insensitive (RFC 3986 §3.1).
fn is_web_page(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("https" | "http"))
}

fn command_line(command: &str, url: &str) -> Option<CommandLine> {
    let mut words: Vec<String> =
        command.split_whitespace().map(|word| word.replace("%s", url)).collect();
    let program = words.first()?.rsplit('/').next()?;
    if TEXT_BROWSERS.contains(&program) {
        return None;
    }
    if !command.contains("%s") {
        words.push(url.to_owned());
    }
    Some(words)
}

/// Runs the first command that starts. Returns whether one did.
pub fn start(commands: &[CommandLine]) -> bool {
    commands.iter().any(|words| {
        let Some((program, arguments)) = words.split_first() else { return false };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // SAFETY: the function is async-signal-safe.
        unsafe { command.pre_exec(detach) };
        // `spawn` returns after exec, with its error. `wait` fails if SIGCHLD is ignored.
        command.spawn().map(|mut child| child.wait()).is_ok()
    })
}

/// Forks again, so that no zombie remains, and starts a new session, which Ctrl-C does not reach.
fn detach() -> io::Result<()> {
    // SAFETY: all async-signal-safe, without pointers.
    unsafe {
        match libc::fork() {
            0 => {
                libc::setsid();
                libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
                Ok(())
            }
            -1 => Err(io::Error::last_os_error()),
            _ => libc::_exit(0),
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
    fn browser_needs_a_graphical_session() {
        assert!(commands_with(&[("BROWSER", "firefox")]).is_empty());
        assert_eq!(commands_with(&[("DISPLAY", ":0")]), [["xdg-open", URL]]);
        for variable in ["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"] {
            let variables = [("DISPLAY", "localhost:10.0"), (variable, "192.0.2.1 5 22")];
            assert!(commands_with(&variables).is_empty(), "{variable}");
        }
        assert_eq!(commands_with(&[("WAYLAND_DISPLAY", "wayland-0")]), [["xdg-open", URL]]);
        // As under sudo, which removes the variables of ssh.
        for display in ["localhost:10.0", "192.0.2.1:0", "[2001:db8::1]:0"] {
            assert!(commands_with(&[("DISPLAY", display)]).is_empty(), "{display}");
        }
    }

    #[test]
    fn url_is_one_argument_of_each_browser() {
        let chosen =
            commands_with(&[("DISPLAY", ":0"), ("BROWSER", "firefox --new-tab:kfm --u=%s")]);
        let with_url = format!("--u={URL}");
        assert_eq!(chosen, [vec!["firefox", "--new-tab", URL], vec!["kfm", with_url.as_str()]]);
    }

    #[test]
    fn text_browser_is_not_started() {
        let chosen = commands_with(&[("DISPLAY", ":0"), ("BROWSER", "/usr/bin/w3m:lynx")]);
        assert!(chosen.is_empty());
    }

    #[test]
    fn only_http_urls_are_opened() {
        let env = Env::new([("DISPLAY", ":0")], None);
        for url in ["file:///etc/passwd", "-version", "javascript:alert(1)"] {
            assert!(commands(&env, url).is_empty(), "{url}");
        }
        assert!(!commands(&env, "HTTPS://OIDC.EXAMPLE/DEVICE").is_empty());
    }
}
