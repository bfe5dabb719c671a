//! Writes what every target begins with, made from the transcripts in `fixtures/`:
//! `cargo run --example seeds FOLDER`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

#[expect(dead_code, unused_imports, reason = "the tests' reader of transcripts does more than is asked of it here")]
#[path = "../../tests/transcript/mod.rs"]
mod transcript;

use koine::store::embedded::fuzzing::samples;
use transcript::{Act, Action, Form, Json, Part, Request, RequestBody, Transcript, Values, values};

/// A boundary that no fixture contains.
const BOUNDARY: &str = "boundary";
/// Longer seeds are cut, in bytes: length by itself finds nothing, and slows everything down.
const LONGEST: usize = 4096;
/// How many targets there are.
const TARGETS: usize = 11;
/// Records differ little by the text they hold.
const ENOUGH_RECORDS: usize = 500;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).context("which folder?")?;
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut seeds = Seeds { folder, written: BTreeMap::new() };
    for path in files(&fixtures)? {
        seeds.plant(&Transcript::read(&path)?)?;
    }
    for (target, number) in &seeds.written {
        println!("{target}: {number}");
    }
    ensure!(seeds.written.len() == TARGETS, "there are targets without a seed");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "txt") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Where seeds are written, and how many there are for each target.
struct Seeds {
    folder: PathBuf,
    written: BTreeMap<String, usize>,
}

impl Seeds {
    /// Takes everything out of a transcript that a target can begin with.
    fn plant(&mut self, transcript: &Transcript) -> Result<()> {
        let mut connections = BTreeMap::<&str, (&str, String)>::new();
        for step in &transcript.steps {
            match &step.action {
                Action::Open { name, dialect, path } => {
                    let path = filled(&values::ascii_path(path), Form::Path)?;
                    // Whoever is let in is so after two answers at most.
                    connections.insert(name, (dialect, format!("{path}\n=\n=")));
                }
                Action::Send { name, text } => {
                    let text = filled(text, Form::Json)?.replace('\n', " ");
                    self.texts(&text)?;
                    happens(&mut connections, name, &format!("\n> {text}\n="));
                }
                Action::Act { name, act } => happens(&mut connections, name, sign(act)),
                Action::Pass(_) => connections.values_mut().for_each(|(_, lines)| lines.push_str("\n~")),
                // The dialects whose paths these are have no endpoints: every answer is the gateway's own.
                Action::Request { request, .. } if matches!(request.dialect.as_str(), "status-code" | "envelope") => {}
                Action::Request { request, .. } => self.request(request)?,
                _ => {}
            }
        }
        for (dialect, lines) in connections.values() {
            self.write(&target(dialect, "socket"), lines.as_bytes())?;
        }
        Ok(())
    }

    /// What a text can be besides a frame: its content a token, and what the store keeps of it.
    fn texts(&mut self, text: &str) -> Result<()> {
        let content = Json::parse(text).ok().and_then(|frame| frame.get("content").map(Json::plain));
        if let Some(content) = &content {
            self.write("loose_token", content.as_bytes())?;
        }
        if self.written.get("store_record").is_some_and(|written| *written >= ENOUGH_RECORDS) {
            return Ok(());
        }
        for (sort, record) in samples(content.as_deref().unwrap_or(text)) {
            self.write("store_record", &[&[sort], record.as_slice()].concat())?;
        }
        Ok(())
    }

    fn request(&mut self, request: &Request) -> Result<()> {
        let path = filled(&values::ascii_path(&request.path), Form::Path)?;
        let (media_type, body) = match &request.body {
            RequestBody::None => (None, Vec::new()),
            RequestBody::Json(json) => (Some("application/json".to_owned()), filled(json, Form::Json)?.into_bytes()),
            RequestBody::Raw(text) => (None, filled(text, Form::Plain)?.into_bytes()),
            RequestBody::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &filled(value, Form::Plain)?);
                }
                (Some("application/x-www-form-urlencoded".to_owned()), form.finish().into_bytes())
            }
            RequestBody::Multipart(parts) => {
                let body = multipart(parts)?;
                self.write("upload", &[format!("\x07{BOUNDARY}\n").as_bytes(), &body].concat())?;
                (Some(format!("multipart/form-data; boundary={BOUNDARY}")), body)
            }
        };
        let mut head = format!("{} {path}", request.method);
        for (name, value) in &request.headers {
            write!(head, "\n{name}: {}", filled(value, Form::Plain)?)?;
        }
        if let Some(media_type) = media_type {
            write!(head, "\ncontent-type: {media_type}")?;
        }
        self.write(&target(&request.dialect, "http"), &[head.as_bytes(), b"\n\n", &body].concat())
    }

    fn write(&mut self, target: &str, seed: &[u8]) -> Result<()> {
        let written = self.written.entry(target.to_owned()).or_default();
        *written += 1;
        let folder = self.folder.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("fixture-{written}")), seed.get(..LONGEST).unwrap_or(seed))?;
        Ok(())
    }
}

fn target(dialect: &str, what: &str) -> String {
    format!("{}_{what}", dialect.replace('-', "_"))
}

fn happens(connections: &mut BTreeMap<&str, (&str, String)>, name: &str, line: &str) {
    if let Some((_, lines)) = connections.get_mut(name) {
        lines.push_str(line);
    }
}

fn sign(act: &Act) -> &'static str {
    match act {
        Act::Close(_) => "\n^",
        Act::Binary(_) | Act::InvalidUtf8 => "\n?",
        Act::Drop | Act::Mute => "",
    }
}

/// What the transcripts call groups.
const GROUPS: &[&str] = &["crew", "choir", "first", "group", "one", "two", "three"];

/// A text with something in the place of every `$x`: names of users are tokens, everything else a number.
fn filled(text: &str, form: Form) -> Result<String> {
    let mut values = Values::default();
    for name in values::mentioned(text) {
        let is_name = name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_token = is_name && !GROUPS.contains(&name);
        values.set(name, if is_token { Json::string(format!("demo-{name}")) } else { Json::number(3) });
    }
    values.substitute(text, "", form)
}

fn multipart(parts: &[Part]) -> Result<Vec<u8>> {
    let mut body = String::new();
    for part in parts {
        write!(body, "--{BOUNDARY}\r\nContent-Disposition: form-data; ")?;
        match part {
            Part::Text { name, value } => {
                write!(body, "name=\"{name}\"\r\n\r\n{}\r\n", filled(value, Form::Plain)?)?;
            }
            Part::File { name, file_name, media_type, content } => {
                let content = filled(&content.plain(), Form::Plain)?;
                write!(body, "name=\"{name}\"; filename=\"{file_name}\"\r\n")?;
                write!(body, "Content-Type: {media_type}\r\n\r\n{content}\r\n")?;
            }
        }
    }
    write!(body, "--{BOUNDARY}--\r\n")?;
    Ok(body.into_bytes())
}
