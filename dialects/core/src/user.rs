//! Users.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Handle, Timestamp, UserId};

/// A user's two identities: the number auth-ack knows, the handle all others know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserRef {
    /// The number.
    pub id: UserId,
    /// The unique name.
    pub handle: Handle,
}

/// A user as the core knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number.
    pub id: UserId,
    /// The unique name.
    pub handle: Handle,
    /// What the user or an operator said about the user.
    pub profile: Profile,
    /// A disabled user cannot connect; messages to the user stay pending.
    pub disabled: bool,
    /// When the user was registered.
    pub created: Timestamp,
    /// When a connection of the user last authenticated.
    pub login: Option<Timestamp>,
}

impl User {
    /// Both identities.
    pub fn to_ref(&self) -> UserRef {
        UserRef { id: self.id, handle: self.handle.clone() }
    }

    /// What to call the user where a nickname is wanted: the nickname, else the handle.
    pub fn display_name(&self) -> &str {
        match self.profile.nickname.as_deref() {
            Some(name) if !name.is_empty() => name,
            _ => self.handle.as_str(),
        }
    }
}

/// What is known about a user besides the identities; all optional (user-sig, 创建用户).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// The person's name.
    pub name: Option<Arc<str>>,
    /// The name to show.
    pub nickname: Option<Arc<str>>,
    /// The account name.
    pub username: Option<Arc<str>>,
    /// Free text.
    pub gender: Option<Arc<str>>,
    /// `YYYY-MM-DD`; private.
    pub birthday: Option<Arc<str>>,
    /// Identity card number; private.
    pub id_card_num: Option<Arc<str>>,
    /// Private.
    pub phone: Option<Arc<str>>,
    /// Private.
    pub email: Option<Arc<str>>,
    /// Province of residence.
    pub province: Option<Arc<str>>,
    /// City of residence.
    pub city: Option<Arc<str>>,
    /// Address of a picture.
    pub avatar: Option<Arc<str>>,
    /// Free text.
    pub description: Option<Arc<str>>,
}

impl Profile {
    /// The profile as others may see it: without birthday, identity card number, phone and email.
    #[must_use]
    pub fn masked(&self) -> Self {
        Self { birthday: None, id_card_num: None, phone: None, email: None, ..self.clone() }
    }
}

/// A change to a profile: what is `None` stays, what is `Some(None)` is cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfilePatch {
    /// The changes in order; a field named twice keeps the last.
    pub changes: Vec<(ProfileField, Option<Arc<str>>)>,
}

pub use self::field::ProfileField;

mod field {
    use std::sync::Arc;

    use super::{Profile, ProfilePatch};

    macro_rules! profile_fields {
        ($($variant:ident $name:ident),+ $(,)?) => {
            /// One field of a [`Profile`].
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            pub enum ProfileField { $(
                #[doc = concat!("`", stringify!($name), "`")]
                $variant,
            )+ }

            impl ProfileField {
                /// Every field.
                pub const ALL: &'static [Self] = &[$(Self::$variant),+];

                /// The name on the wire and in the management API.
                pub const fn name(self) -> &'static str {
                    match self { $(Self::$variant => stringify!($name)),+ }
                }
            }

            impl Profile {
                /// The value of one field.
                pub fn field(&self, field: ProfileField) -> Option<&Arc<str>> {
                    match field { $(ProfileField::$variant => self.$name.as_ref()),+ }
                }

                /// Sets or clears one field.
                pub fn set(&mut self, field: ProfileField, value: Option<Arc<str>>) {
                    match field { $(ProfileField::$variant => self.$name = value),+ }
                }
            }
        };
    }

    profile_fields! {
        Name name, Nickname nickname, Username username, Gender gender, Birthday birthday,
        IdCardNum id_card_num, Phone phone, Email email, Province province, City city,
        Avatar avatar, Description description,
    }

    impl ProfilePatch {
        /// Carries the changes out.
        pub fn apply(&self, profile: &mut Profile) {
            for (field, value) in &self.changes {
                profile.set(*field, value.clone());
            }
        }
    }
}
