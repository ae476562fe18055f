/* The floor: what no exporter that opens and closes its files can go below.
 *
 *	floor [-k] PORT LIST
 *
 * Answers each HTTP request by opening, reading and closing what LIST names, and sends the bytes as
 * they are, in one write: nothing is parsed, formatted or allocated. With -k files stay open and are
 * read again from their start. A line of LIST is one of
 *
 *	whole PATH	a file, read to its end
 *	once PATH	a file that one read tells
 *	value PATH	a file of one value, which one short read tells
 *	names PATH	a directory
 *	link PATH	a symbolic link
 *	space PATH	the state of the file system there
 *	interfaces	all interfaces, asked of the kernel by netlink, on a socket that is kept
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MOST_ITEMS = 8192, HEAD_ROOM = 128, LONGEST = 8 << 20, WHOLE_READ = 65536, VALUE_READ = 256 };

static struct item {
	char kind;
	int fd;
	char *path;
} items[MOST_ITEMS];
static int item_count;
static char page[HEAD_ROOM + LONGEST];
static char scratch[32768];

static void read_list(const char *name, int keep)
{
	FILE *list = fopen(name, "re");
	char kind[16], path[4096];
	int words;
	if (!list) {
		perror(name);
		exit(1);
	}
	while (item_count < MOST_ITEMS && fgets(page, sizeof path, list)) {
		if ((words = sscanf(page, "%15s %4095[^\n]", kind, path)) < 1)
			continue;
		if (words == 2 && access(path, F_OK))
			continue;
		struct item *item = &items[item_count++];
		item->kind = kind[0];
		item->path = words == 2 ? strdup(path) : NULL;
		item->fd = -1;
		if (keep && (strchr("wov", item->kind)))
			item->fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	fclose(list);
}

/* A long read of a small file is dear: the kernel allocates as much as it is asked for. */
static size_t read_file(struct item *item, char *to, size_t room)
{
	int kept = item->fd >= 0, fd = kept ? item->fd : open(item->path, O_RDONLY | O_CLOEXEC);
	size_t most = item->kind == 'v' ? VALUE_READ : WHOLE_READ, length = 0;
	ssize_t count;
	if (fd < 0)
		return 0;
	do {
		size_t want = room - length < most ? room - length : most;
		count = kept ? pread(fd, to + length, want, length) : read(fd, to + length, want);
		length += count > 0 ? count : 0;
	} while (count > 0 && item->kind == 'w');
	if (!kept)
		close(fd);
	return length;
}

static size_t read_interfaces(struct item *item, char *to, size_t room)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} dump = {
		.head = {.nlmsg_len = sizeof dump, .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	size_t length = 0;
	if (item->fd < 0)
		item->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (send(item->fd, &dump, sizeof dump, 0) < 0)
		return 0;
	while (room - length >= sizeof scratch) {
		ssize_t count = recv(item->fd, to + length, sizeof scratch, 0);
		struct nlmsghdr *first = (void *)(to + length);
		if (count <= 0 || first->nlmsg_type == NLMSG_DONE || first->nlmsg_type == NLMSG_ERROR)
			break;
		length += count;
	}
	return length;
}

static size_t perform(struct item *item, char *to, size_t room)
{
	struct statfs space;
	int fd;
	switch (item->kind) {
	case 'w':
	case 'o':
	case 'v':
		return read_file(item, to, room);
	case 'n':
		if ((fd = open(item->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) >= 0) {
			while (syscall(SYS_getdents64, fd, scratch, sizeof scratch) > 0)
				;
			close(fd);
		}
		return 0;
	case 'l':
		(void)!readlink(item->path, scratch, sizeof scratch);
		return 0;
	case 's':
		(void)!statfs(item->path, &space);
		return 0;
	case 'i':
		return read_interfaces(item, to, room);
	}
	return 0;
}

/* Puts the head right before the body, so that both leave in one write. */
static int answer(int client)
{
	char head[HEAD_ROOM];
	size_t length = 0;
	for (int i = 0; i < item_count; i++)
		length += perform(&items[i], page + HEAD_ROOM + length, LONGEST - length);
	int head_length = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", length);
	char *at = page + HEAD_ROOM - head_length;
	memcpy(at, head, head_length);
	for (char *end = page + HEAD_ROOM + length; at < end;) {
		ssize_t count = write(client, at, end - at);
		if (count <= 0)
			return 0;
		at += count;
	}
	return 1;
}

static void serve(int client)
{
	char request[4096];
	size_t length = 0;
	ssize_t count;
	while (length < sizeof request - 1 && (count = read(client, request + length, sizeof request - 1 - length)) > 0) {
		request[length += count] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		int last = strstr(request, "Connection: close") != NULL;
		length = 0;
		if (!answer(client) || last)
			break;
	}
	close(client);
}

int main(int argc, char **argv)
{
	int keep = argc > 1 && !strcmp(argv[1], "-k"), yes = 1;
	if (argc != 3 + keep) {
		fprintf(stderr, "usage: floor [-k] PORT LIST\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	read_list(argv[2 + keep], keep);
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1 + keep])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16)) {
		perror("floor");
		return 1;
	}
	for (;;) {
		int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (client >= 0)
			serve(client);
		else if (errno != EINTR && errno != ECONNABORTED)
			return 1;
	}
}
