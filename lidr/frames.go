package lidr

import (
	"fmt"

	"github.com/go-gota/gota/dataframe"

	"lidrlab/datasets"
)

// Frames are the view at the edge: steps compute on slices of structs. what names the frame in errors.
func rowsOf[T any](frame dataframe.DataFrame, what string) ([]T, error) {
	var rows []T
	if err := datasets.Rows(frame, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return rows, nil
}
