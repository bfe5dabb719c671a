//! The dialect from outside: what goes in, what comes out.

#[cfg(test)]
mod encoding;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod http;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod session;
#[cfg(test)]
mod support;
