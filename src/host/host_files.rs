//! Paths of the host as a private daemon reaches them.

use super::{HostError, TrialDir, places};
use crate::plan::{ContainerPlan, MountSource, Plan, VolumePlan};
use std::path::{Path, PathBuf};

impl TrialDir {
    /// As [`TrialDir::sources`], as a private daemon sees them: some folders of the host are others in its mount namespace, so that
    /// a hostPath leads through a copy of the host's mounts.
    ///
    /// # Errors
    /// As [`TrialDir::sources`].
    pub fn sources_for_private(&self, plan: &Plan, container: &ContainerPlan) -> Result<Vec<PathBuf>, HostError> {
        let mut sources = self.sources(plan, container)?;
        let is_host_path = |name: &String| {
            plan.volumes.iter().any(|volume| matches!(volume, VolumePlan::HostPath { name: own, .. } if own == name))
        };
        for (mount, source) in container.mounts.iter().zip(&mut sources) {
            if let (MountSource::Volume(name), None) = (&mount.source, &mount.sub_path)
                && is_host_path(name)
                && let Some(run) = self.dir().ancestors().nth(2)
            {
                *source = below_copy(&run.join(places::HOST_FILES), source);
            }
        }
        Ok(sources)
    }
}

/// A path of the host below a copy of the host's mounts. Links are followed before, as they are the host's; what is not there
/// stands as it is written.
fn below_copy(copy: &Path, path: &Path) -> PathBuf {
    let real = path.ancestors().find_map(|above| {
        let rest = path.strip_prefix(above).ok()?;
        let real = above.canonicalize().ok()?;
        Some(if rest.as_os_str().is_empty() { real } else { real.join(rest) })
    });
    let real = real.unwrap_or_else(|| path.to_owned());
    match real.strip_prefix("/") {
        Ok(below) if !below.as_os_str().is_empty() => copy.join(below),
        _ => copy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_a_copy_of_the_host_is_the_real_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let base = dir.path().canonicalize().expect("it is there");
        std::fs::create_dir(base.join("real")).expect("a directory");
        std::os::unix::fs::symlink("real", base.join("link")).expect("a link");
        let copy = Path::new("/copy");
        let in_copy = |below: &str| copy.join(base.join(below).strip_prefix("/").expect("absolute"));
        assert_eq!(below_copy(copy, &base.join("link")), in_copy("real"));
        assert_eq!(below_copy(copy, &base.join("link/new/file")), in_copy("real/new/file"));
        assert_eq!(below_copy(copy, Path::new("/")), copy);
    }
}
