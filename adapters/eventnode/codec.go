package eventnode

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	grpcproto "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// codec is the codec of gRPC with buffers that fit. The usual ones come in five
// sizes: an event of 600 bytes takes 4 KiB of them and one of 33 KiB takes a
// MiB, all of which is held for as long as a client does not read.
type codec struct {
	encoding.CodecV2
	pool mem.BufferPool
}

func newCodec() (codec, error) {
	pool, err := mem.NewBinaryTieredBufferPool(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
	if err != nil {
		return codec{}, fmt.Errorf("buffers: %w", err)
	}
	return codec{CodecV2: encoding.GetCodecV2(grpcproto.Name), pool: pool}, nil
}

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case *wireEvent:
		return c.write(m.size(), func(b []byte) ([]byte, error) { return m.appendTo(b), nil })
	case proto.Message:
		return c.write(proto.Size(m), func(b []byte) ([]byte, error) {
			return proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(b, m)
		})
	}
	return c.CodecV2.Marshal(v)
}

// write gives a buffer of a size to be appended to.
func (c codec) write(size int, into func([]byte) ([]byte, error)) (mem.BufferSlice, error) {
	if mem.IsBelowBufferPoolingThreshold(size) {
		b, err := into(make([]byte, 0, size))
		return mem.BufferSlice{mem.SliceBuffer(b)}, err
	}
	b := c.pool.Get(size)
	if _, err := into((*b)[:0]); err != nil {
		c.pool.Put(b)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(b, c.pool)}, nil
}
