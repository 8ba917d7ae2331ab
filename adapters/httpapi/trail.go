package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// ProofBody proves that one event is in the log.
type ProofBody struct {
	Position   uint64   `json:"position" example:"48213"`
	Leaf       uint64   `json:"leaf" doc:"The place in the tree, from 0." example:"48102"`
	LeafHash   []byte   `json:"leaf_hash" doc:"SHA-256, base64."`
	TreeSize   uint64   `json:"tree_size" doc:"The size of the tree of the checkpoint." example:"48200"`
	Hashes     [][]byte `json:"hashes" doc:"The audit path of RFC 6962, from the leaf up, base64."`
	Checkpoint string   `json:"checkpoint" doc:"The signed note whose root the path leads to."`
}

type checkpointAnswer struct {
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"text/plain"`
}

func (a *API) registerTrail(api huma.API) {
	huma.Register(api, a.operation("get-event-proof", http.MethodGet, "/v1/events/{position}/proof", "Trail", "Prove that an event is in the log",
		"404 also while no checkpoint covers the event yet."),
		func(ctx context.Context, in *struct {
			Position uint64 `path:"position" maximum:"9223372036854775807" doc:"The place in the log, as X-Position gave it." example:"48213"`
		}) (*struct{ Body ProofBody }, error) {
			view, err := a.inside.Trail.Proof(ctx, caller(ctx), in.Position)
			if err != nil {
				return nil, problemOf(err)
			}
			hashes := view.Hashes
			if hashes == nil {
				hashes = [][]byte{}
			}
			return &struct{ Body ProofBody }{ProofBody{
				Position: view.Position, Leaf: view.Leaf, LeafHash: view.LeafHash, TreeSize: view.TreeSize,
				Hashes: hashes, Checkpoint: view.Checkpoint,
			}}, nil
		})
	checkpoint := a.operation("get-checkpoint", http.MethodGet, "/v1/trail/checkpoint", "Trail", "The newest signed checkpoint",
		"A signed note (C2SP tlog-checkpoint), byte for byte.")
	checkpoint.Responses["200"] = &huma.Response{
		Description: "The signed note.",
		Content: map[string]*huma.MediaType{"text/plain": {
			Schema:  &huma.Schema{Type: huma.TypeString},
			Example: "tracekeep.example/log\n48200\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— tracekeep.example/log Az3grl…\n",
		}},
	}
	huma.Register(api, checkpoint, func(ctx context.Context, _ *struct{}) (*checkpointAnswer, error) {
		note, err := a.inside.Trail.Checkpoint(ctx, caller(ctx))
		if err != nil {
			return nil, problemOf(err)
		}
		return &checkpointAnswer{ContentType: "text/plain; charset=utf-8", Body: []byte(note)}, nil
	})
}
