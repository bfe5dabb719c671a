//! The conformance tests: every transcript through the pure codecs and through real sockets.

mod transcript;

fn main() {
    println!("{:?}", transcript::Transcript::read(std::path::Path::new("x")));
}
