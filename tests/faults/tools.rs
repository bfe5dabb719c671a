//! Programs of the system, and waiting with a deadline.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::process::PATIENCE;

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Whether the long mode was asked for (`LONG_TESTS=1`).
pub(crate) fn long() -> bool {
    std::env::var("LONG_TESTS").is_ok_and(|value| value == "1")
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T, F: Future<Output = Result<Option<T>>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        if let Some(found) = ask().await.with_context(|| format!("while waiting until {what}"))? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "it was not so in time that {what}");
    }
}

/// Runs a program to its end; what it prints is returned.
pub(crate) async fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let command = Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = timeout(PATIENCE, command).await.with_context(|| format!("{program} does not end"))??;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {arguments:?} ended with {}: {said}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where a program lies, if the system has it.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// System calls of a process that go wrong as long as this lives.
#[derive(Debug)]
pub(crate) struct Injection {
    tracer: Child,
}

impl Injection {
    /// Makes system calls go wrong: `what` as strace has it, such as `fsync,fdatasync:error=EIO`; on `paths`
    /// only, where there are any.
    pub(crate) async fn into(process: u32, what: &str, paths: &[PathBuf]) -> Result<Self> {
        let calls = what.split_once(':').map_or(what, |(calls, _)| calls);
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &format!("inject={what}")]);
        for path in paths {
            command.arg("-P").arg(path);
        }
        command.args(["-p", &process.to_string()]);
        let mut tracer = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut said = BufReader::new(tracer.stderr.take().context("no output")?).lines();
        let attached = async {
            while let Some(line) = said.next_line().await? {
                if line.contains("attached") {
                    return Ok(());
                }
            }
            bail!("strace has ended")
        };
        timeout(PATIENCE, attached).await.context("strace does not attach")??;
        // What it says later must not block it.
        tokio::spawn(async move { while matches!(said.next_line().await, Ok(Some(_))) {} });
        Ok(Self { tracer })
    }

    /// Lets the calls go right again.
    pub(crate) async fn end(mut self) -> Result<()> {
        let id = self.tracer.id().context("strace has ended")?.to_string();
        run("kill", &["-INT", &id]).await?;
        timeout(PATIENCE, self.tracer.wait()).await.context("strace does not end")??;
        Ok(())
    }
}

/// Whether system calls can be made to go wrong here; else why not.
pub(crate) fn can_inject() -> Result<(), String> {
    if program("strace").is_none() {
        return Err("strace is not installed".to_owned());
    }
    let tried = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("strace may not trace here".to_owned()),
    }
}

/// Whether file systems can be mounted here; else why not.
pub(crate) fn can_mount() -> Result<(), String> {
    let missing = ["mount", "umount", "mkfs.ext4", "perl"].into_iter().find(|name| program(name).is_none());
    if let Some(missing) = missing {
        return Err(format!("{missing} is not installed"));
    }
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mounted = Mount::small(folder.path(), 1);
    mounted.map(drop).map_err(|error| format!("file systems cannot be mounted: {error:#}"))
}

/// A mounted file system; dropping it unmounts it.
#[derive(Debug)]
pub(crate) struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A small one in memory, of so many MiB.
    pub(crate) fn small(at: &Path, megabytes: u32) -> Result<Self> {
        Self::attach(&["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"], at)
    }

    /// An ext4 image.
    pub(crate) fn image(image: &Path, at: &Path) -> Result<Self> {
        Self::attach(&["-o", "loop", &image.to_string_lossy()], at)
    }

    fn attach(arguments: &[&str], at: &Path) -> Result<Self> {
        std::fs::create_dir_all(at)?;
        system("mount", arguments.iter().copied().chain([&*at.to_string_lossy()]))?;
        Ok(Self { at: at.to_owned() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.at
    }

    /// Shuts an ext4 file system down without writing out anything, its journal neither: what the disk has by
    /// now is what it has.
    pub(crate) fn cut(&self) -> Result<()> {
        const SHUTDOWN: &str = "open(my $root, '<', $ARGV[0]) or die $!; my $how = pack('I', 2); \
                                ioctl($root, 0x8004587d, $how) or die $!";
        system("perl", ["-e", SHUTDOWN, &*self.at.to_string_lossy()])
    }

    /// Unmounts it.
    pub(crate) fn end(self) -> Result<()> {
        let at = self.at.clone();
        std::mem::forget(self);
        system("umount", [&*at.to_string_lossy()])
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, for a test that failed may still have a process there.
        let _ = system("umount", ["-l", &*self.at.to_string_lossy()]);
    }
}

/// Makes an ext4 image of so many MiB.
pub(crate) fn make_image(image: &Path, megabytes: u64) -> Result<()> {
    std::fs::File::create(image)?.set_len(megabytes << 20)?;
    system("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", &*image.to_string_lossy()])
}

fn system<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let output = std::process::Command::new(program).args(arguments).output().context(program.to_owned())?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A random time between two.
pub(crate) fn moment(least: Duration, most: Duration) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let random = RandomState::new().hash_one(()) % 1_000;
    least + most.saturating_sub(least).mul_f64(f64::from(u32::try_from(random).unwrap_or(0)) / 1_000.0)
}
