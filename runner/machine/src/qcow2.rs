//! An empty overlay over a raw disk, in QEMU's qcow2 format. Written here so that QEMU's tools, which must be of QEMU's own
//! version on a machine that has both, need not be installed.

use crate::error::Error;
use std::fs;
use std::path::Path;

/// Bytes of a cluster, the unit of everything below.
const CLUSTER: u64 = 1 << CLUSTER_BITS;
const CLUSTER_BITS: u32 = 16;
/// Clusters of the file: header, table of reference counts, a block of them, and the first level of the mapping.
const CLUSTERS: u16 = 4;
const REFERENCE_TABLE: u64 = CLUSTER;
const REFERENCE_BLOCK: u64 = 2 * CLUSTER;
const MAPPING: u64 = 3 * CLUSTER;
/// Length of the header of version 3.
const HEADER: u32 = 104;
/// The header's extension that names the format of what lies below, so that nobody guesses.
const FORMAT_BELOW: (u32, &[u8]) = (0xe279_2aca, b"raw");

/// Writes an overlay over `below`, an absolute path, of the same size in bytes.
///
/// # Errors
/// The path is too long for the format, or the file system's.
pub fn write_overlay(file: &Path, below: &Path, size: u64) -> Result<(), Error> {
    let name = below.as_os_str().as_encoded_bytes();
    if name.len() > 1023 {
        return Err(Error::usage(format!("{} is too long: a disk's name may have 1023 bytes", below.display())));
    }
    fs::write(file, overlay(name, size)).map_err(Error::at("write", file))
}

fn overlay(below: &[u8], size: u64) -> Vec<u8> {
    let mut image = Vec::new();
    let word = |image: &mut Vec<u8>, value: u32| image.extend_from_slice(&value.to_be_bytes());
    let long = |image: &mut Vec<u8>, value: u64| image.extend_from_slice(&value.to_be_bytes());
    let extensions = HEADER + 8 + 8 + 8;
    image.extend_from_slice(b"QFI\xfb");
    word(&mut image, 3);
    long(&mut image, u64::from(extensions));
    word(&mut image, u32::try_from(below.len()).unwrap_or(0));
    word(&mut image, CLUSTER_BITS);
    long(&mut image, size);
    word(&mut image, 0); // no encryption
    // Each entry of the first level stands for a cluster of second-level entries of 8 bytes.
    word(&mut image, u32::try_from(size.div_ceil(CLUSTER / 8 * CLUSTER)).unwrap_or(u32::MAX));
    long(&mut image, MAPPING);
    long(&mut image, REFERENCE_TABLE);
    word(&mut image, 1); // one cluster of it
    word(&mut image, 0); // no snapshots
    long(&mut image, 0);
    [0, 0, 0].into_iter().for_each(|features| long(&mut image, features));
    word(&mut image, 4); // reference counts of 2^4 bits
    word(&mut image, HEADER);
    word(&mut image, FORMAT_BELOW.0);
    word(&mut image, u32::try_from(FORMAT_BELOW.1.len()).unwrap_or(0));
    image.extend_from_slice(FORMAT_BELOW.1);
    image.resize((HEADER + 8 + 8) as usize, 0);
    long(&mut image, 0); // the end of the extensions
    image.extend_from_slice(below);
    image.resize(REFERENCE_TABLE as usize, 0);
    long(&mut image, REFERENCE_BLOCK);
    image.resize(REFERENCE_BLOCK as usize, 0);
    (0..CLUSTERS).for_each(|_| image.extend_from_slice(&1_u16.to_be_bytes()));
    image.resize((u64::from(CLUSTERS) * CLUSTER) as usize, 0);
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(image: &[u8], at: usize) -> u64 {
        u64::from_be_bytes(image[at..at + 8].try_into().expect("eight bytes"))
    }

    #[test]
    fn the_header_says_where_everything_is() {
        let image = overlay(b"/cache/root.img", 4 << 30);
        assert_eq!(&image[..8], b"QFI\xfb\0\0\0\x03");
        let name = usize::try_from(long(&image, 8)).expect("an offset");
        assert_eq!(&image[name..name + 15], b"/cache/root.img");
        assert_eq!(&image[16..20], 15_u32.to_be_bytes());
        assert_eq!((long(&image, 24), &image[36..40]), (4 << 30, &8_u32.to_be_bytes()[..]));
        assert_eq!(&image[104..115], b"\xe2\x79\x2a\xca\0\0\0\x03raw");
        let (mapping, table) = (long(&image, 40), long(&image, 48));
        let block = long(&image, usize::try_from(table).expect("an offset"));
        assert_eq!((table, block, mapping), (1 << 16, 2 << 16, 3 << 16));
        let counts = usize::try_from(block).expect("an offset");
        assert_eq!(&image[counts..counts + 10], [0, 1, 0, 1, 0, 1, 0, 1, 0, 0]);
        assert_eq!(image.len(), 4 << 16);
    }
}
