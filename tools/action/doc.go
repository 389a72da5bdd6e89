// Package action has the script of the GitHub Action permstack diff, action.yml, and its test.
package action
