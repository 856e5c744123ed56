// Verifies an exported audit log with Go's own packages and nothing of ours:
//
//	go run . DIR VKEY
//
// The checkpoint must be signed by the key, every tile must lead to its root, and every entry must have
// the hash that stands in the tiles.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A folder of tiles, as C2SP tlog-tiles names them; Go's paths have the height (8) in them.
type folder string

func (dir folder) Height() int                     { return 8 }
func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}
func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	log.SetFlags(0)
	dir, vkey := os.Args[1], strings.TrimSpace(os.Args[2])
	verifier, err := note.NewVerifier(vkey)
	check(err)
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	check(err)
	checkpoint, err := note.Open(signed, note.VerifierList(verifier))
	check(err)
	origin, rest, _ := strings.Cut(checkpoint.Text, "\n")
	if origin != verifier.Name() {
		log.Fatalf("the checkpoint is of %q", origin)
	}
	// Go's own logs begin with this line; the two below it, size and root, are the same.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	check(err)
	hashes := tlog.TileHashReader(tree, folder(dir))
	for first := int64(0); first < tree.N; first += 256 {
		bundle := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(min(256, tree.N-first))}
		path := strings.Replace(bundle.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(dir, path))
		check(err)
		indexes := make([]int64, bundle.W)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		// Reads the tiles up to the root, and fails unless they lead to it.
		stored, err := hashes.ReadHashes(indexes)
		check(err)
		for i, hash := range stored {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				log.Fatalf("%s is cut off", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			if tlog.RecordHash(data[2:end]) != hash {
				log.Fatalf("entry %d is not the one in the tree", first+int64(i))
			}
			data = data[end:]
		}
		if len(data) > 0 {
			log.Fatalf("%s has more than its entries", path)
		}
	}
	fmt.Printf("%s: %d entries, root %v: verified\n", origin, tree.N, tree.Hash)
}
