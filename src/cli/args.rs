//! The commands and their options. The parser, the help pages and the completions follow these declarations.
//! argh shows the doc comments as help texts.

use argh::{ArgsInfo, FromArgs};

use crate::secret::Secret;

/// Log in to rapyuta.io from a robot, an edge device or a script
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    name = "rio",
    note = "Run `rio auth login` to log in, `rio help COMMAND` for the options of a command, `man rio` for more, and \
            `rio doctor` before you contact rapyuta.io support.\n\
            Exit codes: 0 success, 1 failure, 2 usage error, 3 temporary failure (retry).",
    note = "The Python rio has more commands, and uses the same config file. To install it:\n  \
            pip install rapyuta-io-cli"
)]
pub struct Rio {
    /// print the version
    #[argh(switch, short = 'V')]
    pub version: bool,
    #[argh(subcommand)]
    pub command: Command,
}

#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum Command {
    Auth(AuthGroup),
    Organization(OrganizationGroup),
    Project(ProjectGroup),
    Doctor(DoctorArgs),
    Version(VersionArgs),
    Completion(CompletionArgs),
}

/// Log in and out, and manage tokens
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "auth",
    note = "Commands can be abbreviated to any unique prefix, such as `rio auth stat`.",
    example = "# Log in by phone\n\
               rio auth login\n\
               # Show who is logged in\n\
               rio auth status"
)]
pub struct AuthGroup {
    #[argh(subcommand)]
    pub command: AuthCommand,
}

#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum AuthCommand {
    Login(LoginArgs),
    Logout(LogoutArgs),
    RefreshToken(RefreshTokenArgs),
    Status(StatusArgs),
    Token(TokenArgs),
    Environment(EnvironmentArgs),
}

/// Log in and select an organization and a project
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "login",
    note = "By default, shows a QR code, a URL and a code, and waits until you approve the login on any device (SSO \
            and MFA work). If interrupted, run it again to resume.",
    example = "# Log in by phone\n\
               rio auth login\n\
               # In a script, log in with a token\n\
               rio auth login --silent --auth-token-file token.txt"
)]
pub struct LoginArgs {
    /// log in with this email and a password
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password, or - for standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// file with the password, or - for standard input
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// log in with this token, or - for standard input
    #[argh(option, arg_name = "token")]
    pub auth_token: Option<Secret>,
    /// file with the token, or - for standard input
    #[argh(option, arg_name = "path")]
    pub auth_token_file: Option<String>,
    /// exact name or GUID of the organization to select
    #[argh(option, arg_name = "name")]
    pub organization: Option<String>,
    /// exact name or GUID of the project to select
    #[argh(option, arg_name = "name")]
    pub project: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// like --silent, unless --interactive follows
    #[argh(switch)]
    pub no_interactive: bool,
    /// no prompts, no login by phone; implies --yes
    #[argh(switch)]
    pub silent: bool,
    /// replace an existing login without asking
    #[argh(switch)]
    pub yes: bool,
    /// do not open a browser in a graphical session
    #[argh(switch)]
    pub no_browser: bool,
    /// do not draw a QR code (for screen readers)
    #[argh(switch)]
    pub no_qr: bool,
    /// no prompts; print JSON events; implies --yes
    #[argh(switch)]
    pub json: bool,
    /// keep the login if its token is valid for longer, or is in the first third of its lifetime
    #[argh(option, arg_name = "duration")]
    pub if_expires_within: Option<String>,
    /// wait this long (90s, 10m), then exit with code 3
    #[argh(option, arg_name = "duration")]
    pub timeout: Option<String>,
}

/// Log out and revoke the token
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "logout",
    note = "Asks the server to revoke the token, and waits up to 5 seconds. Removes the login, organization and \
            project from the config file even if the server does not answer.",
    example = "# Log out\n\
               rio auth logout"
)]
pub struct LogoutArgs {
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// Replace the stored token with a new one
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "refresh-token",
    note = "If the token is no longer valid, asks for your password (SSO: `rio auth login`). Exits with 3 if a later \
            attempt may succeed. DURATION: 2d, 12h, 90m, '1h 30m'.",
    example = "# Refresh the token in a timer\n\
               rio auth refresh-token --silent --if-expires-within 5d\n\
               # Log in again if the token has expired\n\
               rio auth refresh-token --silent --password-file password.txt"
)]
pub struct RefreshTokenArgs {
    /// password, or - for standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// file with the password, or - for standard input
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// like --silent, unless --interactive follows
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt for the password
    #[argh(switch)]
    pub silent: bool,
    /// keep the token if it is valid for longer, or is in the first third of its lifetime
    #[argh(option, arg_name = "duration")]
    pub if_expires_within: Option<String>,
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// Show who is logged in and when the token expires
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "status",
    note = "Reads only the config file, unless you add --verify. Exits with 1 if you are not logged in or the token \
            is no longer valid, with 3 if the server does not answer.",
    example = "# Stop a script that needs a login\n\
               rio auth status --verify || exit\n\
               # Print when the token expires\n\
               rio auth status --json | jq -r .token.expires_at"
)]
pub struct StatusArgs {
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
    /// ask the server whether it accepts the token
    #[argh(switch)]
    pub verify: bool,
    /// exit with 1 if the token is known to expire within DURATION (2d, 12h, 90m)
    #[argh(option, arg_name = "duration")]
    pub min_valid: Option<String>,
}

/// Print a new token or the stored one
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "token",
    note = "Without --current, logs in with your email and password (not with SSO), prints the new token and stores \
            nothing. Prints no token unless it exits with 0.",
    example = "# Print a token that is valid for 30 days\n\
               rio auth token --level 2\n\
               # Use the stored token in a script\n\
               TOKEN=$(rio auth token --current --min-valid 10m) || exit"
)]
pub struct TokenArgs {
    /// email of the account (default: the stored email)
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password, or - for standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// file with the password, or - for standard input
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// lifetime: 0 = 24 h (default), 1 = 7 days, 2 = 30 days
    #[argh(option, arg_name = "level")]
    pub level: Option<String>,
    /// print the stored token; never prompt
    #[argh(switch)]
    pub current: bool,
    /// with --current: first refresh a token that expires within DURATION (2d, 12h, 90m), but not in the first third of
    /// its lifetime; warns if it still expires sooner
    #[argh(option, arg_name = "duration")]
    pub min_valid: Option<String>,
}

/// Show or change the rapyuta.io environment
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "environment",
    note = "Without NAME, prints the current environment. With NAME, stores its hosts in the config file and removes \
            the login, organization and project. The token stays valid: to revoke it, run `rio auth logout` first.",
    example = "# Print the environment\n\
               rio auth environment\n\
               # Use another one, and log in there\n\
               rio auth environment dev && rio auth login"
)]
pub struct EnvironmentArgs {
    /// ga (production), dev, qa, or a preview such as pr123
    #[argh(positional)]
    pub name: Option<String>,
    /// do not ask at a terminal before removing a login
    #[argh(switch)]
    pub yes: bool,
    /// ask at a terminal before removing a login (default)
    #[argh(switch)]
    pub interactive: bool,
    /// the same as --yes
    #[argh(switch)]
    pub no_interactive: bool,
    /// the same as --yes, even with --interactive
    #[argh(switch)]
    pub silent: bool,
}

/// List and select organizations
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "organization",
    example = "# Choose from a list\nrio organization select"
)]
pub struct OrganizationGroup {
    #[argh(subcommand)]
    pub command: OrganizationCommand,
}

#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum OrganizationCommand {
    List(ListOrganizationsArgs),
    Select(SelectOrganizationArgs),
}

/// List your organizations
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "list",
    note = "Prints a name and a GUID on each line, sorted by name. An asterisk marks the selected organization.",
    example = "# List your organizations\nrio organization list"
)]
pub struct ListOrganizationsArgs {
    /// print one JSON array
    #[argh(switch)]
    pub json: bool,
}

/// Select another organization, and then one of its projects
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "select",
    note = "Without NAME, prompts with a list. Another organization has other projects, so rio then prompts for \
            one. If it may not prompt, it selects a project only if there is just one.",
    example = "# Choose from a list\n\
               rio organization select\n\
               # In a script\n\
               rio organization select \"Acme Robotics\" --silent"
)]
pub struct SelectOrganizationArgs {
    /// exact name or GUID of the organization
    #[argh(positional)]
    pub name: Option<String>,
    /// prompt for NAME (default)
    #[argh(switch)]
    pub interactive: bool,
    /// like --silent, unless --interactive follows
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt; needs NAME
    #[argh(switch)]
    pub silent: bool,
    /// never prompt; print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// List and select projects
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "project", example = "# Choose from a list\nrio project select")]
pub struct ProjectGroup {
    #[argh(subcommand)]
    pub command: ProjectCommand,
}

#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub enum ProjectCommand {
    List(ListProjectsArgs),
    Select(SelectProjectArgs),
}

/// List the projects of the selected organization
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "list",
    note = "Prints a name and a GUID on each line, sorted by name. An asterisk marks the selected project.",
    example = "# List the projects of the selected organization\nrio project list"
)]
pub struct ListProjectsArgs {
    /// print one JSON array
    #[argh(switch)]
    pub json: bool,
}

/// Select another project of the selected organization
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "select",
    note = "Without NAME, prompts with a list.",
    example = "# Choose from a list\n\
               rio project select\n\
               # In a script\n\
               rio project select simulation --silent"
)]
pub struct SelectProjectArgs {
    /// exact name or GUID of the project
    #[argh(positional)]
    pub name: Option<String>,
    /// prompt for NAME (default)
    #[argh(switch)]
    pub interactive: bool,
    /// like --silent, unless --interactive follows
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt; needs NAME
    #[argh(switch)]
    pub silent: bool,
    /// never prompt; print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// Check this machine and the connection to rapyuta.io
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "doctor",
    note = "Checks this machine, then the connection to each host for at most 10 seconds, then the token. The \
            output contains no email, password or token, so you can paste it into a ticket. Exits with 1 if \
            this machine has a fault, and with 3 if only the network or a server has one.",
    example = "# Find out why a login fails\n\
               rio doctor\n\
               # Check a machine that is not online yet\n\
               rio doctor --offline"
)]
pub struct DoctorArgs {
    /// check only this machine; send nothing
    #[argh(switch)]
    pub offline: bool,
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// Print the version
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "version", example = "# Print the version\nrio version")]
pub struct VersionArgs {}

/// Print a shell completion script
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "completion",
    example = "# bash: add this line to ~/.bashrc\n\
               source <(rio completion bash)\n\
               # zsh: add `fpath+=~/.zfunc` to ~/.zshrc, before compinit\n\
               mkdir -p ~/.zfunc && rio completion zsh > ~/.zfunc/_rio\n\
               # fish: add this line to ~/.config/fish/config.fish\n\
               rio completion fish | source\n\
               # nushell\n\
               mkdir ~/.config/nushell/autoload\n\
               rio completion nushell | save -f ~/.config/nushell/autoload/rio.nu"
)]
pub struct CompletionArgs {
    /// bash, zsh, fish or nushell
    #[argh(positional)]
    pub shell: String,
}
