//! Which image a container runs: the manifest's where the daemon has it, else podcheck's own.

use super::client::{Client, QUICK, SLOW, words};
use super::complaint;
use crate::plan::ContainerPlan;
use crate::runtime::RuntimeError;
use crate::runtime::image::{self, Image};
use crate::runtime::image_user::ImageUser;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The image that a container runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// As Docker knows it.
    pub reference: String,
    /// It is podcheck's: the plan's stand-in command is what it runs.
    pub ours: bool,
    /// The user it runs as unless told otherwise.
    pub user: ImageUser,
    /// Paths of the volumes that it declares.
    pub volumes: Vec<String>,
}

/// What of an image's configuration is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    user: String,
    volumes: Option<BTreeMap<String, serde_json::Value>>,
}

/// The images of a daemon, as far as podcheck has asked or loaded.
#[derive(Debug)]
pub(super) struct Images {
    /// podcheck's two.
    pub payload: String,
    /// podcheck's pause.
    pub pause: String,
    /// The daemon is ours: nobody else adds or removes images.
    private: bool,
    /// The configurations of the images that are there; `None` of those that are not.
    present: Mutex<BTreeMap<String, Option<Config>>>,
    loaded: Mutex<Vec<String>>,
}

impl Images {
    /// Those of a daemon that is ours and has podcheck's images already, or of one that is not.
    pub fn new(client: &Client, private: bool) -> Result<Images, RuntimeError> {
        let reference = |image| image::reference(image).map_err(|error| client.failed("name podcheck's images", error));
        Ok(Images {
            payload: reference(Image::Payload)?,
            pause: reference(Image::Pause)?,
            private,
            present: Mutex::default(),
            loaded: Mutex::default(),
        })
    }

    /// Which image a container runs.
    pub fn choose(&self, client: &Client, container: &ContainerPlan) -> Result<Choice, RuntimeError> {
        let named = container.image.as_str();
        if !container.image_is_ours()
            && let Some(Config { user, volumes }) = self.find(client, named)?
        {
            let volumes = volumes.unwrap_or_default().into_keys().collect();
            return Ok(Choice { reference: named.to_owned(), ours: false, user: ImageUser::parse(&user), volumes });
        }
        let user = ImageUser::of_stand_in(container);
        Ok(Choice { reference: self.payload.clone(), ours: true, user, volumes: Vec::new() })
    }

    /// Whether podcheck's image takes the place of another.
    pub fn stands_in(container: &ContainerPlan, choice: &Choice) -> bool {
        choice.ours && !container.image_is_ours()
    }

    /// Loads podcheck's images into a daemon that is not ours, where they are missing.
    pub fn provide(&self, client: &Client, dir: &Path) -> Result<(), RuntimeError> {
        if self.private {
            return Ok(());
        }
        for (image, reference) in [(Image::Payload, &self.payload), (Image::Pause, &self.pause)] {
            if self.find(client, reference)?.is_some() {
                continue;
            }
            let action = format!("load podcheck's image {}", image.name());
            let archive = dir.join(format!("{}.tar", image.name()));
            image::archive(image, &archive).map_err(|error| client.failed(&action, error))?;
            let path = archive.to_string_lossy();
            let loaded = client.read(&action, &words(["load", "--quiet", "--input", path.as_ref()]), SLOW);
            // It lies in the trial's folder, which goes with the trial.
            let _ = std::fs::remove_file(&archive);
            loaded?;
            self.loaded.lock().unwrap_or_else(PoisonError::into_inner).push(reference.clone());
        }
        Ok(())
    }

    /// Removes what [`Images::provide`] loaded.
    pub fn give_back(&self, client: &Client) {
        for reference in self.loaded.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // Another podcheck's container may still use it; then that one finds it loaded and leaves it, too.
            let _ = client.read("remove podcheck's image", &words(["image", "rm", &reference]), QUICK);
        }
    }

    /// The configuration of an image; `None` if it is not there.
    fn find(&self, client: &Client, reference: &str) -> Result<Option<Config>, RuntimeError> {
        let known = self.present.lock().unwrap_or_else(PoisonError::into_inner).get(reference).cloned();
        if let Some(known) = known.filter(|_| self.private) {
            return Ok(known);
        }
        let args = words(["image", "inspect", "--format={{json .Config}}", reference]);
        let action = format!("look for the image {reference}");
        let ended = client.run(&action, &args, QUICK)?;
        let present = match ended.code {
            0 => {
                let config: Option<Config> =
                    serde_json::from_str(&ended.stdout).map_err(|e| client.failed(&action, e))?;
                Some(config.unwrap_or_default())
            }
            _ if complaint::found_nothing(&ended) => None,
            _ => return Err(client.failed(&action, ended.complaint())),
        };
        self.present.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned(), present.clone());
        Ok(present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_a_user_and_volumes_or_neither() {
        let config = |text: &str| serde_json::from_str::<Option<Config>>(text).expect("parses").unwrap_or_default();
        let redis = config(r#"{"User":"999","Volumes":{"/data":{}},"Cmd":["redis-server"]}"#);
        assert_eq!(redis.user, "999");
        assert_eq!(redis.volumes.unwrap_or_default().into_keys().collect::<Vec<_>>(), ["/data"]);
        for bare in [r#"{"User":"","Volumes":null}"#, "{}", "null"] {
            assert_eq!(config(bare), Config::default(), "{bare}");
        }
    }
}
