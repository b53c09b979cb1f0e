package eval

import "testing"

// Numerals in Chinese characters are numbers where the answer is in them, and words beside digits.
func TestNumberHan(t *testing.T) {
	for _, c := range []struct{ lang, answer, number string }{
		{"zh", "答案是十八", "18"},
		{"zh", "答案：二十四", "24"},
		{"ja", "答えは一百二十です", "120"},
		{"ja", "答えは十八です", "18"},
		{"zh", "两千", "2000"},
		{"zh", "三分之二", "2/3"},
		{"zh", "一百二", "120"},
		{"zh", "一百零二", "102"},
		{"ja", "答えは百二です", "102"},
		{"zh", "一千零五十", "1050"},
		{"zh", "十万零三百", "100300"},
		{"zh", "一亿两千万", "120000000"},
		{"ja", "二千三百四十五円", "2345"},
		{"zh", "二〇二四", "2024"},
		{"zh", "二十四点五", "24.5"},
		{"zh", "负十八", "-18"},
		{"zh-TW", "答案是兩千元", "2000"},
		{"zh", "她一起赚了十八元。", "18"},
		{"zh", "答案是十分简单的，是18", "18"},
		{"zh", "答案是一样的：18", "18"},
		{"zh", "答案是三个数的和，18", "18"},
		{"zh", "答案是八。她有9个蛋", "8"},
		{"zh", "答案是十八。她有9个蛋", "18"},
		{"zh", "一个人有3个苹果", "3"},
		{"zh", "十八十九", ""},
		{"de", "答案是十八", ""},
	} {
		if got, _ := Number(c.answer, c.lang); got != c.number {
			t.Errorf("%s: %q is read as %q, want %q", c.lang, c.answer, got, c.number)
		}
	}
}
