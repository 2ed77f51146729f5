//! The users, organizations and projects of the platform.

/// The email of the only user in the default world.
pub const EMAIL: &str = "ada@example.com";

/// The password of that user.
pub const PASSWORD: &str = "correct horse battery staple";

/// Users, and the organizations to which all of them belong.
#[derive(Clone, Debug)]
pub struct World {
    /// The first one approves devices.
    pub users: Vec<User>,
    pub organizations: Vec<Organization>,
}

#[derive(Clone, Debug)]
pub struct User {
    pub email: String,
    pub password: String,
    pub name: String,
}

#[derive(Clone, Debug)]
pub struct Organization {
    pub guid: String,
    pub name: String,
    pub short_guid: String,
    pub projects: Vec<Project>,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub guid: String,
    pub name: String,
}

impl Default for World {
    fn default() -> World {
        World::of([
            Organization::new("Acme Robotics", ["fleet-production", "fleet-staging", "simulation"]),
            Organization::new("warehouse-lab", ["pick-and-place"]),
        ])
    }
}

impl World {
    /// The default user in these organizations.
    pub fn of(organizations: impl IntoIterator<Item = Organization>) -> World {
        let ada =
            User { email: EMAIL.into(), password: PASSWORD.into(), name: "Ada Lovelace".into() };
        World { users: vec![ada], organizations: organizations.into_iter().collect() }
    }
}

impl Organization {
    /// An organization with these projects. The GUIDs are derived from the names.
    pub fn new<N: Into<String>>(
        name: impl Into<String>,
        projects: impl IntoIterator<Item = N>,
    ) -> Organization {
        let name = name.into();
        let letters = letters(&name);
        Organization {
            guid: format!("org-{letters}"),
            short_guid: letters.chars().chain("zzzzz".chars()).take(5).collect(),
            projects: projects
                .into_iter()
                .map(|project| Project::new(&letters, project.into()))
                .collect(),
            name,
        }
    }
}

impl Project {
    fn new(organization: &str, name: String) -> Project {
        let guid = format!("project-{organization}{}", letters(&name));
        Project { guid, name }
    }
}

fn letters(name: &str) -> String {
    name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect()
}
