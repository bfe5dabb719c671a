//! What the fuzz targets do with their bytes, and what must hold whatever the bytes are.
//!
//! Nothing here looks for one right answer: a target fails where the code panics, runs out of memory or
//! time, or breaks a rule that every answer keeps (what leaves is JSON; one answer for each question; a
//! body means the same however it is cut into pieces).

#![forbid(unsafe_code)]

pub mod http;
mod hub;
mod json;
pub mod loose_token;
mod paths;
pub mod socket;
pub mod store_record;
pub mod upload;
