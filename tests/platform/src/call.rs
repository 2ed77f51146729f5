//! The API calls of rapyuta.io that rio makes.

/// An API call, identified by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Discovery,
    DeviceAuthorization,
    Token,
    UserLogin,
    RefreshToken,
    UserInfo,
    UserLogout,
    UsersMe,
    Projects,
}

impl Call {
    const ALL: [Call; 9] = [
        Call::Discovery,
        Call::DeviceAuthorization,
        Call::Token,
        Call::UserLogin,
        Call::RefreshToken,
        Call::UserInfo,
        Call::UserLogout,
        Call::UsersMe,
        Call::Projects,
    ];

    /// The HTTP method.
    pub fn method(self) -> &'static str {
        match self {
            Call::Discovery | Call::UserInfo | Call::UsersMe | Call::Projects => "GET",
            Call::DeviceAuthorization
            | Call::Token
            | Call::UserLogin
            | Call::RefreshToken
            | Call::UserLogout => "POST",
        }
    }

    /// The path below [`Platform::url`](crate::Platform::url).
    pub fn path(self) -> &'static str {
        match self {
            Call::Discovery => "/.well-known/openid-configuration",
            Call::DeviceAuthorization => "/oauth2/device/auth",
            Call::Token => "/oauth2/token",
            Call::UserLogin => "/user/login",
            Call::RefreshToken => "/refreshtoken",
            Call::UserInfo => "/user/info",
            Call::UserLogout => "/user/logout",
            Call::UsersMe => "/v2/users/me/",
            Call::Projects => "/v2/projects/",
        }
    }

    pub(crate) fn of(method: &str, path: &str) -> Option<Call> {
        Call::ALL.into_iter().find(|call| call.method() == method && call.path() == path)
    }
}
