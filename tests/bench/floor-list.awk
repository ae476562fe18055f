# From what strace saw of a program's one scrape, the list for floor.c that reads the same files.
# Each file once, however often the program did, and without those of the program's own start. What
# was not there is in the list: on another machine it may be, and floor passes over it.

function item(path, kind) {
	if (path ~ /^\/(etc\/ld\.so|lib|usr\/lib|proc\/self\/(maps|auxv)$)/ || path in index_of)
		return
	index_of[path] = ++count
	kinds[count] = kind
	paths[count] = path
}

{
	call = $1
	sub(/\(.*/, "", call)
	fd = $1
	sub(/^[a-z0-9_]*\(/, "", fd)
	sub(/[,)].*/, "", fd)
	split($0, quoted, "\"")
}

call ~ /^open(at)?$/ {
	if (!/ = -1 /) {
		opened[$NF] = quoted[2]
		reads[$NF] = 0
	}
	item(quoted[2], /O_DIRECTORY/ ? "names" : "value")
}
call ~ /^p?read(64)?$/ && fd in opened && opened[fd] in index_of {
	at = index_of[opened[fd]]
	size = $0
	sub(/(, [0-9]+)?\) += .*/, "", size)
	sub(/.*, /, "", size)
	if (++reads[fd] > 1)
		kinds[at] = "whole"
	else if (size > 512)
		kinds[at] = "once"
}
call == "close" { delete opened[fd] }
call ~ /^readlink(at)?$/ { item(quoted[2], "link") }
call ~ /^statfs(64)?$/ { item(quoted[2] " ", "space") }
call ~ /^send(to|msg)$/ && /RTM_GETLINK/ && !/ = -1 / { item("", "interfaces") }

END {
	for (i = 1; i <= count; i++) {
		sub(/ $/, "", paths[i])
		print kinds[i] " " paths[i]
	}
}
