//! Archives that are unpacked for the processes.

use crate::exit::bad_usage;
use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// What an archive is, by the end of its name.
enum Form {
    Tar,
    TarGz,
    Zip,
}

/// By the names that people give them; a jar is a zip file.
const ENDS: [(&str, Form); 5] = [
    (".tar", Form::Tar),
    (".tar.gz", Form::TarGz),
    (".tgz", Form::TarGz),
    (".zip", Form::Zip),
    (".jar", Form::Zip),
];

/// Unpacks an archive into a directory. What would lie outside of it is left out.
///
/// # Errors
/// Bad usage if it is not there, or is no archive; whatever the disk says.
pub fn unpack(archive: &Path, to: &Path) -> Result<()> {
    let name = archive.to_string_lossy().to_ascii_lowercase();
    let Some((_, form)) = ENDS.iter().find(|(end, _)| name.ends_with(end)) else {
        let ends = ENDS.map(|(end, _)| end).join(", ");
        return Err(bad_usage(format!(
            "--archives {}: its name ends with none of {ends}",
            archive.display()
        )));
    };
    let wrong =
        |error: &dyn std::fmt::Display| bad_usage(format!("--archives {}: {error}", archive.display()));
    let file = BufReader::new(File::open(archive).map_err(|error| wrong(&error))?);
    std::fs::create_dir_all(to).with_context(|| format!("cannot make {}", to.display()))?;
    match form {
        Form::Tar => untar(file, to).map_err(|error| wrong(&error)),
        Form::TarGz => untar(MultiGzDecoder::new(file), to).map_err(|error| wrong(&error)),
        Form::Zip => {
            zip::ZipArchive::new(file).and_then(|mut zip| zip.extract(to)).map_err(|error| wrong(&error))
        }
    }
}

fn untar(tar: impl Read, to: &Path) -> std::io::Result<()> {
    tar::Archive::new(tar).unpack(to)
}
