//! The paths of all dialects, set up once.

use std::sync::OnceLock;

use koine::config::DialectName;
use koine::gateway::fuzzing::Paths;

/// The paths of a dialect.
pub(crate) fn of(name: DialectName) -> &'static Paths {
    &all()[name as usize]
}

/// Those of every dialect, in the order of [`DialectName::ALL`].
pub(crate) fn all() -> &'static [Paths] {
    static ALL: OnceLock<Vec<Paths>> = OnceLock::new();
    ALL.get_or_init(|| DialectName::ALL.map(|name| Paths::new(name).expect("paths")).into())
}
