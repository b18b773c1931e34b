//! The names by which a manifest asks for podcheck's own image.

/// podcheck's own image, which is no stand-in: its entry point takes a manifest's arguments.
const OWN_IMAGE: &str = "podcheck";

/// `podcheck` with or without a tag, or no image at all.
pub fn is_own_image(image: &str) -> bool {
    image.is_empty() || image.strip_prefix(OWN_IMAGE).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::is_own_image;

    #[test]
    fn only_podcheck_itself_is_its_own_image() {
        assert!(is_own_image("podcheck") && is_own_image("") && is_own_image("podcheck:0.1"));
        assert!(!is_own_image("docker.io/library/podcheck") && !is_own_image("curlimages/curl"));
        assert!(!is_own_image("podchecker"));
    }
}
