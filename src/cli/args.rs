//! The commands and their options. The parser, the help pages and the completions follow these declarations.
//! argh shows the doc comments as help texts.

use argh::{ArgsInfo, FromArgs};

use crate::secret::Secret;

/// Log in to rapyuta.io from a robot, an edge device or a script
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    name = "rio",
    note = "Exit codes: 0 success, 1 failure, 2 usage error, 3 temporary failure (retry).",
    note = "Environment: RIO_CONFIG (path), RIO_DEBUG=1 (trace for rapyuta.io support), BROWSER, NO_COLOR, \
            SSL_CERT_FILE, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY.",
    note = "The full CLI (pip install rapyuta-io-cli) uses the same config file."
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
    note = "Commands can be abbreviated to any unique prefix.",
    example = "rio auth login\nrio auth status"
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
    note = "By default, rio shows a QR code, a URL and a code. Approve the login on any device. This works with \
            SSO and MFA, and rio never sees your password.",
    example = "rio auth login\n\
               rio auth login --organization Acme --project fleet\n\
               rio auth login --auth-token-file token.txt\n\
               rio auth login --email ada@example.com --password-file password.txt --silent"
)]
pub struct LoginArgs {
    /// log in with this email and a password
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password of the account; - reads standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// read the password from the first line of a file
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// log in with this token; - reads standard input
    #[argh(option, arg_name = "token")]
    pub auth_token: Option<Secret>,
    /// read the token from the first line of a file
    #[argh(option, arg_name = "path")]
    pub auth_token_file: Option<String>,
    /// organization to select, by exact name or GUID
    #[argh(option, arg_name = "name")]
    pub organization: Option<String>,
    /// project to select, by exact name or GUID
    #[argh(option, arg_name = "name")]
    pub project: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// never prompt; fail if a value is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt, even with --interactive
    #[argh(switch)]
    pub silent: bool,
    /// replace an existing login without asking
    #[argh(switch)]
    pub yes: bool,
    /// do not open a browser
    #[argh(switch)]
    pub no_browser: bool,
    /// do not draw a QR code (for screen readers)
    #[argh(switch)]
    pub no_qr: bool,
    /// never prompt; print events as JSON, one per line
    #[argh(switch)]
    pub json: bool,
    /// keep a login that is not due for a refresh
    #[argh(option, arg_name = "duration")]
    pub if_expires_within: Option<String>,
    /// stop waiting after this time; exit with code 3
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
    example = "rio auth logout"
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
    note = "If the stored token has expired or was revoked, rio prompts for your password and logs in \
            again. SSO accounts have no password: use `rio auth login` instead.",
    example = "rio auth refresh-token\n\
               rio auth refresh-token --password-file password.txt --silent\n\
               rio auth refresh-token --silent --if-expires-within 5d"
)]
pub struct RefreshTokenArgs {
    /// password of the account; - reads standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// read the password from the first line of a file
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// never prompt; fail if a value is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt, even with --interactive
    #[argh(switch)]
    pub silent: bool,
    /// do nothing if the token is valid for longer
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
    note = "Reads only the config file, unless you add --verify. Exits with 1 if you are not logged in \
            or the token has expired.",
    example = "rio auth status\nrio auth status --verify\nrio auth status --json"
)]
pub struct StatusArgs {
    /// print one JSON object
    #[argh(switch)]
    pub json: bool,
    /// ask the server whether the token is valid
    #[argh(switch)]
    pub verify: bool,
    /// exit with 1 if the token is known to expire sooner
    #[argh(option, arg_name = "duration")]
    pub min_valid: Option<String>,
}

/// Print a new token or the stored one
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "token",
    note = "Logs in with your email and password and prints the new token. The stored login \
            changes only with --min-valid, which refreshes a token that expires too soon.",
    example = "rio auth token --level 2\n\
               TOKEN=$(rio auth token --current --min-valid 10m)\n\
               rio auth token --email ada@example.com --password-file password.txt"
)]
pub struct TokenArgs {
    /// email of the account (default: the stored email)
    #[argh(option, arg_name = "email")]
    pub email: Option<String>,
    /// password of the account; - reads standard input
    #[argh(option, arg_name = "password")]
    pub password: Option<Secret>,
    /// read the password from the first line of a file
    #[argh(option, arg_name = "path")]
    pub password_file: Option<String>,
    /// lifetime: 0 = 24 h (default), 1 = 7 days, 2 = 30 days
    #[argh(option, arg_name = "level")]
    pub level: Option<String>,
    /// print the stored token; never prompts
    #[argh(switch)]
    pub current: bool,
    /// with --current: refresh a token that expires sooner
    #[argh(option, arg_name = "duration")]
    pub min_valid: Option<String>,
}

/// Show or change the rapyuta.io environment
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "environment",
    note = "Without NAME, prints the current environment. With NAME, stores its hosts in the config file, and \
            removes the login, organization and project. Log in again afterwards.",
    example = "rio auth environment\nrio auth environment dev"
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
#[argh(subcommand, name = "organization", example = "rio organization select")]
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
    example = "rio organization list"
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
            a project, unless there is only one.",
    example = "rio organization select\nrio organization select \"Acme Robotics\" --silent"
)]
pub struct SelectOrganizationArgs {
    /// name or GUID of the organization
    #[argh(positional)]
    pub name: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// never prompt; fail if a value is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt, even with --interactive
    #[argh(switch)]
    pub silent: bool,
    /// never prompt; print one JSON object
    #[argh(switch)]
    pub json: bool,
}

/// List and select projects
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "project", example = "rio project select")]
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
    example = "rio project list"
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
    example = "rio project select\nrio project select simulation --silent"
)]
pub struct SelectProjectArgs {
    /// name or GUID of the project
    #[argh(positional)]
    pub name: Option<String>,
    /// prompt for missing values (default)
    #[argh(switch)]
    pub interactive: bool,
    /// never prompt; fail if a value is missing
    #[argh(switch)]
    pub no_interactive: bool,
    /// never prompt, even with --interactive
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
    example = "rio doctor\nrio doctor --offline"
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
#[argh(subcommand, name = "version", example = "rio version")]
pub struct VersionArgs {}

/// Print a shell completion script
#[derive(Debug, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "completion",
    example = "rio completion bash > ~/.local/share/bash-completion/completions/rio\n\
               rio completion zsh > ~/.zfunc/_rio\n\
               rio completion fish > ~/.config/fish/completions/rio.fish\n\
               rio completion nushell > ~/.config/nushell/autoload/rio.nu"
)]
pub struct CompletionArgs {
    /// bash, zsh, fish or nushell
    #[argh(positional)]
    pub shell: String,
}
