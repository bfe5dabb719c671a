//! The examples in `fixtures/README.md` are transcripts too.

use std::path::Path;

use crate::transcript::Transcript;

/// The examples, each with the line it begins on.
pub(crate) fn examples(readme: &str) -> Vec<(usize, String)> {
    let mut examples: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (index, line) in readme.lines().enumerate() {
        let indented = line.strip_prefix("    ");
        inside &= line.is_empty() || indented.is_some();
        let title = indented.is_some_and(|line| line.starts_with("# ") && line.contains(": "));
        if title {
            examples.push((index + 1, String::new()));
            inside = true;
        }
        if let (true, Some((_, example))) = (inside, examples.last_mut()) {
            example.push_str(indented.unwrap_or_default());
            example.push('\n');
        }
    }
    examples
}

/// Reads the examples as transcripts.
pub(crate) fn read(root: &Path) -> Vec<(String, anyhow::Result<Transcript>)> {
    let readme = std::fs::read_to_string(root.join("fixtures/README.md")).unwrap_or_default();
    let read = |(line, text): (usize, String)| {
        let name = format!("fixtures/README.md:{line}");
        let transcript = Transcript::parse(Path::new(&name), &text);
        (name, transcript)
    };
    examples(&readme).into_iter().map(read).collect()
}
