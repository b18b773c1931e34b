//! The user that an image names, which decides where a manifest names none.

use crate::plan::ContainerPlan;

/// The user in an image's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ImageUser {
    /// A number; 0 where the image names none.
    Id(i64),
    /// A name, to be looked up in the image's /etc/passwd.
    Name(String),
}

impl ImageUser {
    /// The user of an image's `USER`: nothing, `UID`, `NAME`, each perhaps with `:GROUP`.
    pub fn parse(text: &str) -> ImageUser {
        let user = text.split(':').next().unwrap_or_default();
        match user.parse() {
            _ if user.is_empty() => ImageUser::Id(0),
            Ok(id) => ImageUser::Id(id),
            Err(_) => ImageUser::Name(user.to_owned()),
        }
    }

    /// As whom podcheck's image runs in the place of the container's own.
    pub fn of_stand_in(container: &ContainerPlan) -> ImageUser {
        ImageUser::Id(container.non_root_stand_in.unwrap_or_default().into())
    }

    /// Why a kubelet would not start a container that may not run as root and leaves the user to its image.
    /// Source: Kubernetes pkg/kubelet/kuberuntime/security_context_others.go, `verifyRunAsNonRoot`.
    pub fn why_not_started(&self, container: &ContainerPlan) -> Option<String> {
        container.non_root_stand_in?;
        match self {
            ImageUser::Id(0) => Some("container has runAsNonRoot and image will run as root".to_owned()),
            ImageUser::Id(_) => None,
            ImageUser::Name(name) => Some(format!(
                "container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root"
            )),
        }
    }

    /// The uid to ask a runtime for: the manifest's, or the image's where it may not be root. `None` leaves the user to the
    /// runtime.
    pub fn asked(&self, container: &ContainerPlan) -> Option<u32> {
        match (container.user, container.non_root_stand_in, self) {
            (Some(user), _, _) => Some(user),
            (None, Some(_), ImageUser::Id(id)) => u32::try_from(*id).ok(),
            (None, _, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;
    use crate::plan::plan;
    use crate::pod::{Container, Pod, PodSpec};

    fn planned(run_as_non_root: Option<bool>, run_as_user: Option<u32>) -> ContainerPlan {
        let mut container =
            Container { name: "app".to_owned(), image: "example.org/app".to_owned(), ..Container::default() };
        container.security.run_as_non_root = run_as_non_root;
        container.security.run_as_user = run_as_user;
        let spec = PodSpec { containers: vec![container], ..PodSpec::default() };
        let pod = Pod {
            name: "foo".to_owned(),
            namespace: "default".to_owned(),
            uid: None,
            labels: Default::default(),
            spec,
        };
        plan(&pod, &Node::default(), "").containers.remove(0)
    }

    #[test]
    fn an_images_user_is_a_number_or_a_name() {
        for (text, user) in [("", 0), ("0", 0), ("65532", 65532), ("65532:65532", 65532), (":5", 0)] {
            assert_eq!(ImageUser::parse(text), ImageUser::Id(user), "{text:?}");
        }
        for text in ["www-data", "www-data:www-data"] {
            assert_eq!(ImageUser::parse(text), ImageUser::Name("www-data".to_owned()));
        }
    }

    #[test]
    fn a_container_that_may_not_be_root_is_started_as_nobody_else() {
        let free = planned(None, None);
        let held = planned(Some(true), None);
        let (root, other, named) = (ImageUser::Id(0), ImageUser::Id(1000), ImageUser::Name("www".to_owned()));
        for user in [&root, &other, &named] {
            assert_eq!((user.why_not_started(&free), user.asked(&free)), (None, None));
        }
        assert!(root.why_not_started(&held).is_some_and(|says| says.contains("image will run as root")));
        assert!(named.why_not_started(&held).is_some_and(|says| says.contains("non-numeric user (www)")));
        assert_eq!((other.why_not_started(&held), other.asked(&held)), (None, Some(1000)));
        let stand_in = ImageUser::of_stand_in(&held);
        assert_eq!((stand_in.why_not_started(&held), stand_in.asked(&held)), (None, Some(65532)));
        let own = planned(Some(true), Some(7));
        assert_eq!((root.why_not_started(&own), root.asked(&own)), (None, Some(7)));
    }
}
