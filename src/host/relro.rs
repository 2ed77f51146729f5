//! Write protection of what was relocated, which the dynamic linker sees to elsewhere: a static file has none,
//! and musl leaves it to the program.

use std::ffi::{c_int, c_void};

/// `PT_GNU_RELRO` of the ELF format: what is only written before the program starts.
const GNU_RELRO: u32 = 0x6474_e552;

/// Makes it read-only, for the whole process, from here on.
pub fn protect() {
    // SAFETY: the function lives as long as the program, and gets no data.
    unsafe { libc::dl_iterate_phdr(Some(protect_program), std::ptr::null_mut()) };
}

unsafe extern "C" fn protect_program(
    info: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut c_void,
) -> c_int {
    const STOP: c_int = 1;
    // SAFETY: whoever calls this has filled in the struct, and counted the headers.
    let (info, headers) = unsafe {
        let info = &*info;
        (info, std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    // SAFETY: it takes a number and gives one.
    let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(usize::MAX);
    for header in headers.iter().filter(|header| header.p_type == GNU_RELRO) {
        let start = (info.dlpi_addr as usize).wrapping_add(header.p_vaddr as usize);
        let end = start.wrapping_add(header.p_memsz as usize);
        let down = |address: usize| address & !page.wrapping_sub(1);
        // SAFETY: whole pages of the program, in which nothing is written once it runs.
        unsafe {
            libc::mprotect(
                down(start) as *mut c_void,
                down(end).wrapping_sub(down(start)),
                libc::PROT_READ,
            )
        };
    }
    // The program itself is the first, and in a static file the only one.
    STOP
}
