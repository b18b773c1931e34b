//! Which image a container runs: the manifest's if the daemon has it, else podcheck's own.

use super::client::{Client, QUICK};
use super::guest::Guest;
use super::messages::{Image, ImageSpec, ImageStatusRequest};
use super::translate::ImageChoice;
use crate::host::{Run, poll_until, scaled};
use crate::plan::Plan;
use crate::runtime::RuntimeError;
use crate::runtime::image::{self, Image as Own};
use crate::runtime::image_user::ImageUser;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// A daemon's images, as far as podcheck needs them.
pub(super) struct Images {
    client: Arc<Client>,
    /// podcheck's payload.
    own: String,
    /// On a daemon that others use too.
    guest: Option<Guest>,
}

/// What each container runs.
pub(super) struct Choices {
    /// In the plan's order.
    pub images: Vec<ImageChoice>,
    /// Names of the containers whose image was not there.
    pub stand_ins: Vec<String>,
}

impl Images {
    /// Of a private daemon, into which podcheck's images were imported when it started.
    ///
    /// # Errors
    /// The running program could not be read.
    pub fn private(client: &Arc<Client>) -> Result<Images, RuntimeError> {
        let own = image::reference(Own::Payload).map_err(|e| client.failed("name its own image".to_owned(), e))?;
        Ok(Images { client: Arc::clone(client), own, guest: None })
    }

    /// Of a daemon that ran before; podcheck's image is imported when the first Pod needs it, and removed
    /// in the end.
    ///
    /// # Errors
    /// As [`Images::private`].
    pub fn guest(client: &Arc<Client>, socket: &Path, run: &Arc<Run>) -> Result<Images, RuntimeError> {
        let images = Images::private(client)?;
        let guest = Guest::begin(client, &images.own, socket, run)?;
        Ok(Images { guest: Some(guest), ..images })
    }

    /// Decides for every container of a plan.
    ///
    /// # Errors
    /// The daemon did not answer, or podcheck's own image cannot be brought there.
    pub fn choose(&self, plan: &Plan) -> Result<Choices, RuntimeError> {
        let mut choices = Choices { images: Vec::new(), stand_ins: Vec::new() };
        for container in &plan.containers {
            let present = if container.image_is_ours() { None } else { self.find(&container.image)? };
            choices.images.push(match present {
                Some((image, volumes)) => {
                    ImageChoice { user: user(&image), reference: image.id, stand_in: false, volumes }
                }
                None => ImageChoice { user: ImageUser::of_stand_in(container), ..self.own()? },
            });
            if choices.images.last().is_some_and(|choice| choice.stand_in) && !container.image_is_ours() {
                choices.stand_ins.push(container.name.clone());
            }
        }
        Ok(choices)
    }

    /// An image, and the paths of the volumes that it declares.
    fn find(&self, reference: &str) -> Result<Option<(Image, Vec<String>)>, RuntimeError> {
        let image = ImageSpec { image: reference.to_owned(), user_specified_image: String::new() };
        let request = ImageStatusRequest { image: Some(image), verbose: true };
        let answer = self.client.call(request, &format!("look for the image {reference}"), QUICK)?;
        Ok(answer.image.map(|image| (image, declared(&answer.info))))
    }

    fn own(&self) -> Result<ImageChoice, RuntimeError> {
        let choice = |(image, volumes): (Image, Vec<String>)| ImageChoice {
            user: user(&image),
            reference: image.id,
            stand_in: true,
            volumes,
        };
        if let Some(image) = self.find(&self.own)? {
            return Ok(choice(image));
        }
        let missing = || self.client.failed(format!("find the image {}", self.own), "it is not on that daemon");
        let guest = self.guest.as_ref().ok_or_else(missing)?;
        guest.import(|| Ok(self.find(&self.own)?.is_some()))?;
        // CRI learns of an import by an event, a moment later.
        let found = poll_until(Instant::now() + scaled(QUICK), || self.find(&self.own).transpose());
        found.transpose()?.map(choice).ok_or_else(missing)
    }
}

/// The volumes in a verbose answer: `{"imageSpec": {"config": {"Volumes": {"/data": {}}}}}`.
fn declared(info: &BTreeMap<String, String>) -> Vec<String> {
    let info = info.get("info").and_then(|info| serde_json::from_str::<serde_json::Value>(info).ok());
    let volumes = info.as_ref().and_then(|info| info.pointer("/imageSpec/config/Volumes")?.as_object());
    volumes.map(|volumes| volumes.keys().cloned().collect()).unwrap_or_default()
}

/// The user an image runs as; a kubelet takes one that names none for root.
fn user(image: &Image) -> ImageUser {
    match &image.uid {
        Some(uid) => ImageUser::Id(uid.value),
        None if image.username.is_empty() => ImageUser::Id(0),
        None => ImageUser::Name(image.username.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages::Int64Value;
    use super::*;

    #[test]
    fn the_volumes_of_an_image_stand_in_the_verbose_answer() {
        let info = |text: &str| BTreeMap::from([("info".to_owned(), text.to_owned())]);
        assert_eq!(declared(&info(r#"{"imageSpec":{"config":{"Volumes":{"/data":{}}}}}"#)), ["/data"]);
        for none in [r#"{"imageSpec":{"config":{}}}"#, "{}", ""] {
            assert!(declared(&info(none)).is_empty(), "{none}");
        }
    }

    #[test]
    fn an_image_without_a_user_runs_as_root() {
        let image = |uid: Option<i64>, username: &str| Image {
            id: "sha256:1".to_owned(),
            uid: uid.map(|value| Int64Value { value }),
            username: username.to_owned(),
        };
        assert_eq!(user(&image(None, "")), ImageUser::Id(0));
        assert_eq!(user(&image(Some(65535), "")), ImageUser::Id(65535));
        assert_eq!(user(&image(None, "www-data")), ImageUser::Name("www-data".to_owned()));
    }
}
