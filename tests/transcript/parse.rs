//! From text to steps.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use super::lines::{self, Line};
use super::{
    Act, Action, Answer, AnswerBody, CommandLine, Ending, Fact, Json, Outlook, Part, Request, RequestBody, Step,
    Transcript, Words,
};

/// The dialects' names.
pub(crate) const DIALECTS: &[&str] = &["user-sig", "access-token", "status-code", "envelope", "auth-ack"];

/// Reads a whole text.
pub(crate) fn transcript(path: &Path, text: &str) -> Result<Transcript> {
    let at = |line: usize| format!("{}:{line}", path.display());
    let title = text.lines().next().and_then(|line| line.strip_prefix("# ")).and_then(|line| line.split_once(": "));
    let (dialect, clause) = title.with_context(|| at(1)).context("the first line must be `# <dialect>: <clause>`")?;
    ensure!(dialect == "crossing" || DIALECTS.contains(&dialect), "{}: there is no dialect `{dialect}`", at(1));
    ensure!(!clause.trim().is_empty(), "{}: the clause is missing", at(1));
    let mut transcript = Transcript { dialect: dialect.to_owned(), ..Transcript::default() };
    for line in lines::split(text).map_err(|(number, error)| error.context(at(number)))? {
        take(&mut transcript, &line).with_context(|| at(line.number))?;
    }
    ensure!(!transcript.steps.is_empty(), "{}: there are no steps", path.display());
    Ok(transcript)
}

fn take(transcript: &mut Transcript, line: &Line<'_>) -> Result<()> {
    let whole = line.joined(line.text);
    if let Some(fact) = whole.strip_prefix("given ") {
        ensure!(transcript.steps.is_empty(), "`given` belongs before the first step; between steps it is `*`");
        transcript.given.push((line.number, Fact::parse(fact.trim())?));
        return Ok(());
    }
    if head(transcript, &whole)? {
        ensure!(transcript.steps.is_empty(), "this line belongs before the first step");
        return Ok(());
    }
    let action = action(line, &transcript.dialect)?;
    transcript.steps.push(Step { line: line.number, action });
    Ok(())
}

/// The lines about the file as a whole; whether it was one.
fn head(transcript: &mut Transcript, line: &str) -> Result<bool> {
    if line == "listener own" {
        transcript.own_listeners = true;
        return Ok(true);
    }
    let Some((words, reason)) = line.split_once(':') else { return Ok(false) };
    let reason = reason.trim();
    let failure = Outlook::KnownFailure(reason.to_owned());
    match words {
        "known-failure" => (transcript.codec, transcript.socket) = (failure.clone(), failure),
        "known-failure codec" => transcript.codec = failure,
        "known-failure socket" => transcript.socket = failure,
        "codec" | "socket" if reason.starts_with("no") => {
            let reason = reason.strip_prefix("no (").and_then(|rest| rest.strip_suffix(')'));
            let skipped = Outlook::Skipped(reason.unwrap_or_default().trim().to_owned());
            ensure!(skipped != Outlook::Skipped(String::new()), "`{words}: no (<reason>)` needs its reason");
            if words == "codec" {
                transcript.codec = skipped;
            } else {
                transcript.socket = skipped;
            }
            return Ok(true);
        }
        _ => return Ok(false),
    }
    ensure!(!reason.is_empty(), "a known failure needs its reason");
    Ok(true)
}

fn action(line: &Line<'_>, dialect: &str) -> Result<Action> {
    if let Some(fact) = line.text.strip_prefix("* ") {
        return Ok(Action::Happens(Fact::parse(&line.joined(fact))?));
    }
    if let Some(pass) = line.text.strip_prefix("@ ") {
        return duration(pass.trim()).map(Action::Pass);
    }
    let (name, rest) = line.text.split_once(' ').context("no step begins like this")?;
    ensure!(is_name(name), "`{name}` cannot name a connection");
    let (sign, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let name = name.to_owned();
    if !matches!(sign, ">>" | "<<" | "x") {
        return frame_action(name, sign, &line.joined(rest));
    }
    match sign {
        ">>" => Ok(Action::Request { name, request: request(line, rest.trim(), dialect)? }),
        "<<" => Ok(Action::Answer { name, answer: answer(line, rest.trim())? }),
        _ => match rest.split_whitespace().next().unwrap_or_default() {
            "lost" => Ok(Action::Closed { name, ending: Ending::Lost }),
            code if code.len() == 3 => Ok(Action::Refused { name, answer: answer(line, rest.trim())? }),
            _ => Ok(Action::Closed { name, ending: close(rest.trim())? }),
        },
    }
}

fn frame_action(name: String, sign: &str, rest: &str) -> Result<Action> {
    Ok(match sign {
        ":" => {
            let words: Vec<&str> = rest.split_whitespace().filter(|word| *word != "GET").collect();
            let [dialect, path] = words[..] else { bail!("`{name} : <dialect> <path>` was expected") };
            ensure!(DIALECTS.contains(&dialect), "there is no dialect `{dialect}`");
            ensure!(path.starts_with('/'), "the path must begin with `/`");
            Action::Open { name, dialect: dialect.to_owned(), path: path.to_owned() }
        }
        ">" => Action::Send { name, text: rest.to_owned() },
        "<" => Action::Expect { name, frame: Json::parse_pattern(rest)? },
        "-" => Action::Nothing { name },
        "!" => Action::Act { name, act: act(rest)? },
        "=" => Action::Command { name, line: command(rest)? },
        sign => bail!("`{sign}` is no sign of a step"),
    })
}

fn is_name(name: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    name.split_once('/').map_or_else(|| is_word(name), |(word, number)| is_word(word) && is_word(number))
}

fn duration(text: &str) -> Result<Duration> {
    let text = text.strip_prefix('+').context("`@ +<time>` was expected")?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).context("`@ +<time>` was expected")?;
    let number: u64 = number.parse().context("`@ +<time>` was expected")?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        _ => bail!("`{unit}` is no unit of time (ms, s, m, h)"),
    }
}

fn close(text: &str) -> Result<Ending> {
    let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
    let code = code.parse().with_context(|| format!("`{code}` is no close code"))?;
    ensure!((1000..5000).contains(&code), "{code} is no close code");
    let reason = match reason.trim() {
        "" => None,
        reason => Some(Json::parse(reason)?.plain()),
    };
    Ok(Ending::Close { code, reason })
}

fn act(text: &str) -> Result<Act> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words[..] {
        ["close"] => Act::Close(1000),
        ["close", code] => Act::Close(code.parse().with_context(|| format!("`{code}` is no close code"))?),
        ["drop"] => Act::Drop,
        ["mute"] => Act::Mute,
        ["invalid-utf8"] => Act::InvalidUtf8,
        ["binary", hex] => Act::Binary(bytes(hex).with_context(|| format!("`{hex}` is not hexadecimal"))?),
        _ => bail!("`{text}` is nothing a client does"),
    })
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.len().is_multiple_of(2).then(|| hex.as_bytes().chunks(2))?;
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn command(text: &str) -> Result<CommandLine> {
    let (text, answer) = match text.split_once(" -> ") {
        Some((text, answer)) => (text, Some(answer.trim())),
        None => (text, None),
    };
    let words = Words::parse(text)?;
    ensure!(!words.words.is_empty(), "a command was expected");
    let error = match answer.map(|answer| answer.split_once(' ').unwrap_or((answer, ""))) {
        None => None,
        Some((word, "")) => Some((word.to_owned(), None)),
        Some((word, detail)) => Some((word.to_owned(), Some(Json::parse(detail)?.plain()))),
    };
    if let Some((word, _)) = &error {
        let known = koine_core::ErrorKind::ALL.iter().any(|kind| kind.word() == word);
        ensure!(known, "`{word}` is no error kind's word");
    }
    Ok(CommandLine { words, error })
}

fn request(line: &Line<'_>, rest: &str, dialect: &str) -> Result<Request> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let (dialect, method, path) = match words[..] {
        [method, path] => (dialect, method, path),
        [dialect, method, path] => (dialect, method, path),
        _ => bail!("`>> <METHOD> <path>` was expected"),
    };
    ensure!(DIALECTS.contains(&dialect), "`>> <dialect> <METHOD> <path>` was expected; `{dialect}` is no dialect");
    ensure!(path.starts_with('/') && method.bytes().all(|byte| byte.is_ascii_uppercase()), "no request: `{rest}`");
    let mut request = Request {
        dialect: dialect.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: RequestBody::None,
    };
    for (number, part) in &line.parts {
        add_part(&mut request, part).with_context(|| format!("line {number}"))?;
    }
    if let RequestBody::Json(text) = &request.body {
        ensure!(!text.is_empty(), "the JSON is missing; what is not JSON is sent with `body`");
    }
    Ok(request)
}

fn add_part(request: &mut Request, part: &str) -> Result<()> {
    if let Some((name, value)) = lines::header(part) {
        request.headers.push((name, value));
        return Ok(());
    }
    let (word, rest) = part.split_once(' ').unwrap_or((part, ""));
    match (word, &mut request.body) {
        ("json", body @ RequestBody::None) => *body = RequestBody::Json(rest.to_owned()),
        ("body", body @ RequestBody::None) => *body = RequestBody::Raw(rest.to_owned()),
        ("form", body @ RequestBody::None) => *body = RequestBody::Form(vec![lines::field(rest)?]),
        ("form", RequestBody::Form(fields)) => fields.push(lines::field(rest)?),
        ("part" | "file", body @ RequestBody::None) => *body = RequestBody::Multipart(vec![multipart(word, rest)?]),
        ("part" | "file", RequestBody::Multipart(parts)) => parts.push(multipart(word, rest)?),
        (_, RequestBody::Json(text)) if part.starts_with(['{', '}', '[', ']', '"', '$']) => {
            text.push('\n');
            text.push_str(part);
        }
        _ => bail!("`{part}` is no part of a request, or of another kind of body"),
    }
    Ok(())
}

fn multipart(word: &str, rest: &str) -> Result<Part> {
    if word == "part" {
        let (name, value) = lines::field(rest)?;
        return Ok(Part::Text { name, value });
    }
    let words: Vec<&str> = rest.splitn(4, ' ').collect();
    let [name, file_name, media_type, content] = words[..] else {
        bail!("`file <field> <file name> <media type> <json string>` was expected")
    };
    let content = Json::parse_pattern(content)?;
    ensure!(matches!(content, Json::String(_) | Json::Variable(_)), "a file's content is a JSON string");
    let own = str::to_owned;
    Ok(Part::File { name: own(name), file_name: own(file_name), media_type: own(media_type), content })
}

fn answer(line: &Line<'_>, rest: &str) -> Result<Answer> {
    let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = status.parse().with_context(|| format!("`{status}` is no HTTP status"))?;
    ensure!((100..600).contains(&status), "{status} is no HTTP status");
    let mut body = body.trim().to_owned();
    let mut headers = Vec::new();
    for (_, part) in &line.parts {
        if let Some(header) = lines::header(part) {
            headers.push(header);
        } else {
            body.push('\n');
            body.push_str(part);
        }
    }
    let body = match body.trim() {
        "" => AnswerBody::Empty,
        "any" => AnswerBody::Any,
        text => match text.strip_prefix("text ") {
            Some(text) => AnswerBody::Text(Json::parse_pattern(text)?),
            None => AnswerBody::Json(Json::parse_pattern(text).map_err(|error| anyhow!("in the body: {error:#}"))?),
        },
    };
    Ok(Answer { status, body, headers })
}
