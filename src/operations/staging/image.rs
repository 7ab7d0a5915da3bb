//! The image: built and pushed by whichever tool is here, and known by its digest afterwards.

use super::tools::{self, Error, find};

/// What can build images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builder {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// Buildah.
    Buildah,
}

impl Builder {
    /// The first that is installed.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn found() -> Result<Builder, Error> {
        [Builder::Buildah, Builder::Podman, Builder::Docker]
            .into_iter()
            .find(|b| find(b.program()).is_some())
            .ok_or(Error::Missing("buildah, podman or docker"))
    }

    /// Its name on the command line.
    pub fn program(self) -> &'static str {
        match self {
            Builder::Docker => "docker",
            Builder::Podman => "podman",
            Builder::Buildah => "buildah",
        }
    }

    /// Builds `Dockerfile` of the current folder as `image`, after `prepare` has made what it
    /// copies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn build(self, image: &str, prepare: &str) -> Result<(), Error> {
        tools::run_shown(prepare, &[])?;
        let mut arguments = vec!["build", "--file", "Dockerfile", "--tag", image];
        if self != Builder::Docker {
            // Nothing in the image says when it was made: the same input, the same digest.
            arguments.extend(["--timestamp", "0"]);
        }
        arguments.push(".");
        tools::run_shown(self.program(), &arguments)
    }

    /// Pushes `image`; `name@sha256:...`, by which the registry knows it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn push(self, image: &str) -> Result<String, Error> {
        let name = name(image);
        if self == Builder::Docker {
            tools::run("docker", &["push", "--quiet", image], None)?;
            let inspect = ["inspect", "--format", "{{index .RepoDigests 0}}", image];
            let out = tools::run("docker", &inspect, None)?;
            return digest(image, name, &String::from_utf8_lossy(&out));
        }
        let file = std::env::temp_dir().join(format!("svgx-digest-{}", std::process::id()));
        let path = file.display().to_string();
        let pushed = tools::run(self.program(), &["push", "--digestfile", &path, image], None);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        // Read: it has done its part, whether or not it can be removed.
        let _ = std::fs::remove_file(&file);
        pushed?;
        digest(image, name, &text)
    }
}

/// An image without its tag.
fn name(image: &str) -> &str {
    let tag = image.rfind(':').filter(|at| !image[*at..].contains('/'));
    tag.map_or(image, |at| &image[..at])
}

fn digest(image: &str, name: &str, text: &str) -> Result<String, Error> {
    let hex = text.trim().rsplit("sha256:").next().unwrap_or_default();
    if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(format!("{name}@sha256:{hex}"));
    }
    let message = format!("{text:?} is no digest");
    Err(Error::Answer { command: format!("push {image}"), message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pushed_image_is_known_by_its_digest() {
        let hex = "a".repeat(64);
        for (image, said, known) in [
            ("localhost:5000/svgx:staging", format!("sha256:{hex}\n"), "localhost:5000/svgx"),
            ("svgx", format!("docker.io/svgx@sha256:{hex}"), "svgx"),
        ] {
            let found = digest(image, name(image), &said).expect("a digest");
            assert_eq!(found, format!("{known}@sha256:{hex}"));
        }
        assert!(digest("svgx", "svgx", "latest").is_err());
    }
}
