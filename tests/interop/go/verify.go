// Verifies a ledger with golang.org/x/mod/sumdb, which shares nothing with this project.
//
//	verify LEDGER VKEY [PROOF]
//
// The checkpoint's signature by sumdb/note; every leaf hash through tiles that sumdb/tlog
// authenticates against the signed root; every entry against its leaf hash; inclusion and
// consistency proofs made and checked by tlog. With PROOF, a c2sp.org/tlog-proof too.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "refused: %s: %v\n", what, err)
		os.Exit(1)
	}
}

func tileName(level string, number int64, width int) string {
	groups := fmt.Sprintf("%03d", number%1000)
	for number >= 1000 {
		number /= 1000
		groups = fmt.Sprintf("x%03d/%s", number%1000, groups)
	}
	if width < 256 {
		groups = fmt.Sprintf("%s.p/%d", groups, width)
	}
	return filepath.Join("tile", level, groups)
}

// A folder of tiles as c2sp.org/tlog-tiles lays them out.
type folder string

func (folder) Height() int { return 8 }

func (folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var out [][]byte
	for _, tile := range tiles {
		name := tileName(strconv.Itoa(tile.L), tile.N, tile.W)
		data, err := os.ReadFile(filepath.Join(string(f), name))
		if err != nil {
			return nil, err
		}
		out = append(out, data)
	}
	return out, nil
}

func openCheckpoint(data []byte, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	must(err, "verifier key")
	opened, err := note.Open(data, note.VerifierList(verifier))
	must(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("it is of %q", lines[0]), "origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	root, err := tlog.ParseHash(lines[2])
	must(err, "root")
	return tlog.Tree{N: size, Hash: root}
}

func checkEntries(dir string, tree tlog.Tree, reader tlog.HashReader) {
	for number := int64(0); number*256 < tree.N; number++ {
		width := 256
		if rest := tree.N - number*256; rest < 256 {
			width = int(rest)
		}
		data, err := os.ReadFile(filepath.Join(dir, tileName("entries", number, width)))
		must(err, "entries")
		var indexes []int64
		for k := 0; k < width; k++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, number*256+int64(k)))
		}
		hashes, err := reader.ReadHashes(indexes)
		must(err, "tiles")
		for k := 0; k < width; k++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				must(fmt.Errorf("bundle %d is cut off", number), "entries")
			}
			length := int(binary.BigEndian.Uint16(data))
			if tlog.RecordHash(data[2:2+length]) != hashes[k] {
				must(fmt.Errorf("entry %d is not the log's", number*256+int64(k)), "entries")
			}
			data = data[2+length:]
		}
		if len(data) != 0 {
			must(fmt.Errorf("bundle %d is too long", number), "entries")
		}
	}
}

func checkProofs(tree tlog.Tree, reader tlog.HashReader) {
	for _, index := range []int64{0, tree.N / 2, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		must(err, "inclusion")
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		must(err, "tiles")
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, hashes[0]), "inclusion")
	}
	for _, old := range []int64{1, (tree.N + 1) / 2, tree.N} {
		root, err := tlog.TreeHash(old, reader)
		must(err, "older root")
		proof, err := tlog.ProveTree(tree.N, old, reader)
		must(err, "consistency")
		must(tlog.CheckTree(proof, tree.N, tree.Hash, old, root), "consistency")
	}
}

func checkPortable(path, vkey string) {
	data, err := os.ReadFile(path)
	must(err, "proof")
	parts := bytes.SplitN(data, []byte("\n\n"), 2)
	lines := strings.Split(string(parts[0]), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" || len(parts) != 2 {
		must(fmt.Errorf("first line %q", lines[0]), "proof")
	}
	entry, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err, "proof's extra data")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err, "proof's index")
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		must(err, "proof's path")
		proof = append(proof, hash)
	}
	tree := openCheckpoint(parts[1], vkey)
	must(tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)), "proof")
}

func main() {
	dir, vkey := os.Args[1], os.Args[2]
	data, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err, "checkpoint")
	tree := openCheckpoint(data, vkey)
	reader := tlog.TileHashReader(tree, folder(dir))
	checkEntries(dir, tree, reader)
	checkProofs(tree, reader)
	if len(os.Args) > 3 {
		checkPortable(os.Args[3], vkey)
	}
	fmt.Println(tree.N)
}
