//! The whole command line, declared. How it is read is in `command_line`, how help is written in
//! `help`; both take what stands here, and so do the completions.

use argh::{ArgsInfo, FromArgs};

use crate::secret::Secret;

/// Log in to rapyuta.io.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    name = "rio",
    note = "This is the login of rapyuta.io for robots, edge devices and scripts. The full command \
            line interface is the Python package rapyuta-io-cli; both share one config file.",
    note = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 network or server trouble (try \
            again later), 130 interrupted.",
    note = "Environment: RIO_CONFIG names the config file. RIO_DEBUG=1 traces each request. \
            SSL_CERT_FILE, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, BROWSER and NO_COLOR do what \
            they do elsewhere.",
    example = "rio auth login\nrio auth status\nrio help auth login"
)]
pub struct Rio {
    #[argh(subcommand)]
    #[allow(missing_docs, reason = "argh would take it for a description")]
    pub command: Command,
}

/// What `rio` can do.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Command {
    /// `rio auth`
    Auth(Auth),
    /// `rio version`
    Version(Version),
    /// `rio completion`
    Completion(Completion),
}

/// Log in and out, and manage the token.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "auth",
    example = "rio auth login\nrio auth login --auth-token - < token.txt\nrio auth status --json"
)]
pub struct Auth {
    #[argh(subcommand)]
    #[allow(missing_docs, reason = "argh would take it for a description")]
    pub command: AuthCommand,
}

/// What `rio auth` can do.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum AuthCommand {
    /// `rio auth login`
    Login(Login),
    /// `rio auth logout`
    Logout(Logout),
    /// `rio auth refresh-token`
    RefreshToken(RefreshToken),
    /// `rio auth status`
    Status(Status),
    /// `rio auth token`
    Token(Token),
    /// `rio auth environment`
    Environment(Environment),
}

/// Log in, and select an organization and a project.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "login",
    note = "Without options, shows a web address and a code. Open the address on any device, log in \
            there and enter the code; this command then receives its token by itself. It works with \
            SSO and a second factor, and the password never comes near this machine.",
    note = "With --email, logs in by email and password instead. With --auth-token, stores a token \
            that was made elsewhere.",
    example = "rio auth login\n\
               rio auth login --organization Acme --project fleet\n\
               rio auth login --auth-token - < token.txt\n\
               rio auth login --email ada@example.com --password - --silent < password.txt"
)]
pub struct Login {
    /// email of the account; log in by email and password
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password of the account; - reads it from standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// log in with this token; - reads it from standard input
    #[argh(option, arg_name = "token")]
    pub auth_token: Option<Secret>,
    /// organization to select, by name or GUID
    #[argh(option, arg_name = "organization")]
    pub organization: Option<String>,
    /// project to select, by name or GUID
    #[argh(option, arg_name = "project")]
    pub project: Option<String>,
    /// ask for what is missing (the default)
    #[argh(switch)]
    pub interactive: bool,
    /// ask nothing: fail if something is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// the same as --no-interactive, and stronger than --interactive
    #[argh(switch)]
    pub silent: bool,
    /// replace an existing login without asking
    #[argh(switch)]
    pub yes: bool,
    /// do not open a browser
    #[argh(switch)]
    pub no_browser: bool,
    /// print events as JSON, one object a line, and ask nothing
    #[argh(switch)]
    pub json: bool,
}

/// Log out: end the token, and forget it.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "logout",
    note = "Tells the server that the token is to end, if it can be reached within five seconds, and \
            takes login, organization and project out of the config file either way.",
    example = "rio auth logout"
)]
pub struct Logout {}

/// Exchange the stored token for a new one.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "refresh-token",
    note = "If the stored token is no longer good, asks for the password of the account and logs in \
            again with it. An account that signs in through SSO has none: use `rio auth login`.",
    example = "rio auth refresh-token\nrio auth refresh-token --password - --silent < password.txt"
)]
pub struct RefreshToken {
    /// password of the account; - reads it from standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// ask for what is missing (the default)
    #[argh(switch)]
    pub interactive: bool,
    /// ask nothing: fail if something is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// the same as --no-interactive, and stronger than --interactive
    #[argh(switch)]
    pub silent: bool,
}

/// Show who is logged in, and until when.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "status",
    note = "Reads the config file and asks nobody, unless --verify is given. Ends with exit code 0 if \
            there is a login whose token is not known to have expired, and with 1 otherwise.",
    example = "rio auth status\nrio auth status --verify\nrio auth status --json"
)]
pub struct Status {
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
    /// ask the server whether it accepts the token
    #[argh(switch)]
    pub verify: bool,
}

/// Print a new token; the stored login stays as it is.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "token",
    note = "Asks for the password of the account. The level says how long the token lasts: 0 for 24 \
            hours, 1 for 7 days, 2 for 30 days. With --current, prints the stored token instead.",
    example = "rio auth token --level 2\n\
               TOKEN=$(rio auth token --current)\n\
               rio auth token --email ada@example.com --password - < password.txt"
)]
pub struct Token {
    /// email of the account; the stored one if not given
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password of the account; - reads it from standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// how long it lasts: 0 = 24 hours (the default), 1 = 7 days, 2 = 30 days
    #[argh(option, arg_name = "level")]
    pub level: Option<String>,
    /// print the stored token, and ask nobody
    #[argh(switch)]
    pub current: bool,
}

/// Choose which rapyuta.io to log in to.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "environment",
    note = "The environments are ga (production), dev, qa, and previews such as pr123. Choosing one \
            sets its hosts in the config file and forgets login, organization and project.",
    example = "rio auth environment dev\nrio auth environment ga"
)]
pub struct Environment {
    /// ga, dev, qa, or a preview such as pr123
    #[argh(positional)]
    pub name: String,
}

/// Print the version.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "version", example = "rio version")]
pub struct Version {}

/// Print a completion script for a shell.
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "completion",
    note = "The shells are bash, zsh, fish and nushell.",
    example = "rio completion bash > ~/.local/share/bash-completion/completions/rio\n\
               rio completion zsh > ~/.zfunc/_rio\n\
               rio completion fish > ~/.config/fish/completions/rio.fish\n\
               rio completion nushell > ~/.config/nushell/autoload/rio.nu"
)]
pub struct Completion {
    /// bash, zsh, fish or nushell
    #[argh(positional)]
    pub shell: String,
}
