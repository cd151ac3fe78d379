// Mounts an EROFS image from the plain file, as mount(8) would not (it puts a loop device under it), and unmounts.
//
//   mount-file IMAGE DIRECTORY
//   mount-file DIRECTORY
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

int main(int argc, char **argv)
{
	int failed = argc == 3 ? mount(argv[1], argv[2], "erofs", MS_RDONLY, "") : argc == 2 ? umount2(argv[1], 0) : -1;
	if (failed)
		fprintf(stderr, "mount-file: %s\n", strerror(errno));
	return failed ? 1 : 0;
}
