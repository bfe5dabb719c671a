//! The envelope dialect through its public face, without sockets.

#[cfg(test)]
mod encode;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod session;
#[cfg(test)]
mod support;
