//! Volumes that an image declares (`VOLUME`): a runtime makes them where the manifest mounts nothing.

use std::path::PathBuf;

/// A directory of the runtime's own that is mounted where the image of a container declares a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageVolume {
    /// The container.
    pub container: String,
    /// Where it is mounted.
    pub target: String,
    /// The directory on the host.
    pub source: PathBuf,
}

/// Those of a container's mounts, each a target and a source, that are where its image declares a volume.
pub(crate) fn of_container<'a>(
    container: &str,
    declared: &[String],
    mounts: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<ImageVolume> {
    let plain = |path: &str| path.trim_end_matches('/').to_owned();
    let is_declared = |target: &str| declared.iter().any(|path| plain(path) == plain(target));
    let volume = |(target, source): (&str, &str)| ImageVolume {
        container: container.to_owned(),
        target: plain(target),
        source: source.into(),
    };
    mounts.filter(|(target, _)| is_declared(target)).map(volume).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_image_declares_is_its_volume() {
        let declared = ["/data/".to_owned()];
        let mounts = [("/data", "/v/1/_data"), ("/etc", "/v/2/_data"), ("/data/more", "/v/3/_data")];
        let volumes = of_container("app", &declared, mounts.into_iter());
        let wanted =
            ImageVolume { container: "app".to_owned(), target: "/data".to_owned(), source: "/v/1/_data".into() };
        assert_eq!(volumes, [wanted]);
        assert!(of_container("app", &[], mounts.into_iter()).is_empty());
    }
}
