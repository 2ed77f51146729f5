# Nushell completion for rio

# A completer without candidates keeps Nushell from completing file names.
def "nu-complete rio nothing" [] { [] }

def "nu-complete rio level" [] {
    [
        {value: "0", description: "24 hours"}
        {value: "1", description: "7 days"}
        {value: "2", description: "30 days"}
    ]
}

def "nu-complete rio environment" [] {
    [
        {value: "ga", description: "production"}
        {value: "dev", description: "development"}
        {value: "qa", description: "testing"}
    ]
}

def "nu-complete rio shell" [] { [bash zsh fish nushell] }

def "nu-complete rio help" [] { [auth organization project doctor version completion] }

def "nu-complete rio select help" [] { [select] }

def "nu-complete rio auth help" [] { [login logout refresh-token status token environment] }

# Log in to rapyuta.io from a robot, an edge device or a script
export extern "rio" [
    --help(-h) # show this help
    --version(-V) # print the version
]

# Show help for a command
export extern "rio help" [
    ...command: string@"nu-complete rio help"
    --help(-h) # show this help
]

# Log in and out, and manage tokens
export extern "rio auth" [
    --help(-h) # show this help
]

# Show help for a command
export extern "rio auth help" [
    ...command: string@"nu-complete rio auth help"
    --help(-h) # show this help
]

# Log in and select an organization and a project
export extern "rio auth login" [
    --email: string@"nu-complete rio nothing" # log in with this email and a password
    --password: string@"nu-complete rio nothing" # password, or - for standard input
    --password-file: path # file with the password, or - for standard input
    --auth-token: string@"nu-complete rio nothing" # log in with this token, or - for standard input
    --auth-token-file: path # file with the token, or - for standard input
    --organization: string@"nu-complete rio nothing" # exact name or GUID of the organization to select
    --project: string@"nu-complete rio nothing" # exact name or GUID of the project to select
    --interactive # prompt for missing values (default)
    --no-interactive # like --silent, unless --interactive follows
    --silent # no prompts, no login by phone; implies --yes
    --yes # replace an existing login without asking
    --no-browser # do not open a browser in a graphical session
    --no-qr # do not draw a QR code (for screen readers)
    --json # no prompts; print JSON events; implies --yes
    --if-expires-within: string@"nu-complete rio nothing" # keep the login if its token is valid for longer, or is in the first third of its lifetime
    --timeout: string@"nu-complete rio nothing" # wait this long (90s, 10m), then exit with code 3
    --help(-h) # show this help
]

# Log out and revoke the token
export extern "rio auth logout" [
    --json # print one JSON object
    --help(-h) # show this help
]

# Replace the stored token with a new one
export extern "rio auth refresh-token" [
    --password: string@"nu-complete rio nothing" # password, or - for standard input
    --password-file: path # file with the password, or - for standard input
    --interactive # prompt for missing values (default)
    --no-interactive # like --silent, unless --interactive follows
    --silent # never prompt for the password
    --if-expires-within: string@"nu-complete rio nothing" # keep the token if it is valid for longer, or is in the first third of its lifetime
    --json # print one JSON object
    --help(-h) # show this help
]

# Show who is logged in and when the token expires
export extern "rio auth status" [
    --json # print one JSON object
    --verify # ask the server whether it accepts the token
    --min-valid: string@"nu-complete rio nothing" # exit with 1 if the token is known to expire within DURATION (2d, 12h, 90m)
    --help(-h) # show this help
]

# Print a new token or the stored one
export extern "rio auth token" [
    --email: string@"nu-complete rio nothing" # email of the account (default: the stored email)
    --password: string@"nu-complete rio nothing" # password, or - for standard input
    --password-file: path # file with the password, or - for standard input
    --level: string@"nu-complete rio level" # lifetime: 0 = 24 h (default), 1 = 7 days, 2 = 30 days
    --current # print the stored token; never prompt
    --min-valid: string@"nu-complete rio nothing" # with --current: first refresh a token that expires within DURATION (2d, 12h, 90m), but not in the first third of its lifetime; warns if it still expires sooner
    --help(-h) # show this help
]

# Show or change the rapyuta.io environment
export extern "rio auth environment" [
    name?: string@"nu-complete rio environment" # ga (production), dev, qa, or a preview such as pr123
    --yes # do not ask at a terminal before removing a login
    --interactive # ask at a terminal before removing a login (default)
    --no-interactive # the same as --yes
    --silent # the same as --yes, even with --interactive
    --help(-h) # show this help
]

# List and select organizations
export extern "rio organization" [
    --help(-h) # show this help
]

# Show help for a command
export extern "rio organization help" [
    ...command: string@"nu-complete rio select help"
    --help(-h) # show this help
]

# List your organizations
export extern "rio organization list" [
    --json # print one JSON array
    --help(-h) # show this help
]

# Select another organization, and then one of its projects
export extern "rio organization select" [
    name?: string@"nu-complete rio nothing" # exact name or GUID of the organization
    --interactive # prompt for NAME (default)
    --no-interactive # like --silent, unless --interactive follows
    --silent # never prompt; needs NAME
    --json # never prompt; print one JSON object
    --help(-h) # show this help
]

# List and select projects
export extern "rio project" [
    --help(-h) # show this help
]

# Show help for a command
export extern "rio project help" [
    ...command: string@"nu-complete rio select help"
    --help(-h) # show this help
]

# List the projects of the selected organization
export extern "rio project list" [
    --json # print one JSON array
    --help(-h) # show this help
]

# Select another project of the selected organization
export extern "rio project select" [
    name?: string@"nu-complete rio nothing" # exact name or GUID of the project
    --interactive # prompt for NAME (default)
    --no-interactive # like --silent, unless --interactive follows
    --silent # never prompt; needs NAME
    --json # never prompt; print one JSON object
    --help(-h) # show this help
]

# Check this machine and the connection to rapyuta.io
export extern "rio doctor" [
    --offline # check only this machine; send nothing
    --json # print one JSON object
    --help(-h) # show this help
]

# Print the version
export extern "rio version" [
    --help(-h) # show this help
]

# Print a shell completion script
export extern "rio completion" [
    shell?: string@"nu-complete rio shell" # bash, zsh, fish or nushell
    --help(-h) # show this help
]
