# From what strace saw of a program's one scrape, the list for floor.c that reads the same files.
# Each file once, however often the program did; what was not there, or is of the C library's and
# Rust's own start, is not in it.

function item(path, kind) {
	if (path ~ /^\/(etc\/ld\.so|lib|usr\/lib|proc\/self\/(maps|auxv)$)/ || path in index_of)
		return
	index_of[path] = ++count
	kinds[count] = kind
	paths[count] = path
}

/ = -1 / { next }

{
	call = $1
	sub(/\(.*/, "", call)
	fd = $1
	sub(/^[a-z0-9_]*\(/, "", fd)
	sub(/[,)].*/, "", fd)
	split($0, quoted, "\"")
}

call ~ /^open(at)?$/ {
	opened[$NF] = quoted[2]
	reads[$NF] = 0
	item(quoted[2], /O_DIRECTORY/ ? "names" : "value")
}
call ~ /^p?read(64)?$/ && ++reads[fd] == 2 && opened[fd] in index_of { kinds[index_of[opened[fd]]] = "whole" }
call == "close" { delete opened[fd] }
call ~ /^readlink(at)?$/ { item(quoted[2], "link") }
call ~ /^statfs(64)?$/ { item(quoted[2] " ", "space") }
call ~ /^send(to|msg)$/ && /RTM_GETLINK/ { item("", "interfaces") }

END {
	for (i = 1; i <= count; i++) {
		sub(/ $/, "", paths[i])
		print kinds[i] " " paths[i]
	}
}
