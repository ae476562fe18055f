/* A plugin for QEMU that counts a program's instructions, for tests/bench/measure.
 *
 *	gcc -shared -fPIC -o count.so count.c
 *	qemu-mipsel -plugin ./count.so,counts=COUNTS PROGRAM ...
 *
 * COUNTS is shared memory of native 64-bit numbers, so that it can be read while the program runs:
 * instructions, system calls, how many blocks follow, and for each block of the translated code its
 * address, its length in instructions and how often it was entered. A block that a signal cuts short
 * counts whole. A block that is translated again gets a second entry. Needs a QEMU with plugins:
 * Debian's qemu-user has them, qemu-user-static has not.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is used of QEMU's plugin interface, version 1. */
struct qemu_plugin_tb;
enum { INLINE_ADD = 0 };
typedef void translated_fn(uint64_t, struct qemu_plugin_tb *);
typedef void called_fn(uint64_t, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, translated_fn *);
void qemu_plugin_register_vcpu_syscall_cb(uint64_t, called_fn *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { MOST_BLOCKS = 1 << 18 };

static struct counts {
	uint64_t instructions, system_calls, block_count;
	struct block {
		uint64_t address, length, entered;
	} blocks[MOST_BLOCKS];
} *counts;

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	uint64_t length = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &counts->instructions, length);
	uint64_t at = __atomic_fetch_add(&counts->block_count, 1, __ATOMIC_RELAXED);
	if (at < MOST_BLOCKS) {
		counts->blocks[at].address = qemu_plugin_tb_vaddr(tb);
		counts->blocks[at].length = length;
		qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD, &counts->blocks[at].entered, 1);
	}
}

static void called(uint64_t id, unsigned cpu, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f,
		   uint64_t g, uint64_t h)
{
	__atomic_fetch_add(&counts->system_calls, 1, __ATOMIC_RELAXED);
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "counts=", 7)) {
			int fd = open(argv[i] + 7, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			if (fd < 0 || ftruncate(fd, sizeof *counts))
				return -1;
			counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
			close(fd);
		}
	if (!counts || counts == MAP_FAILED)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_vcpu_syscall_cb(id, called);
	return 0;
}
