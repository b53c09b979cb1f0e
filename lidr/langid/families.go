package langid

import (
	"strings"
	"unicode"
)

// siblings are languages that the model takes for one another: together they are as probable as each alone. The words
// are those that one of them has and the others have not. A language that is not known is here to be told apart.
var siblings = []map[string]string{
	{
		"id": "karena bahwa bisa kantor coba uang berbeda anda bagaimana informasi pengaturan aplikasi berkas setiap " +
			"negara memiliki situs kata sandi pria rumah sakit sesuai kasus perusahaan bila kebebasan " +
			"jawaban jawabannya delapan apel toko kue sepeda",
		"ms": "kerana bahawa boleh pejabat cuba wang berbeza maklumat tetapan apl fail setiap laman sesawang ialah " +
			"sahaja syarikat lelaki beliau hendaklah kebangsaan kepunyaan mestilah sebarang menerusi semasa anggota " +
			"akaun kata laluan pelayar tetingkap hospital perniagaan peranti memaparkan persekitaran dolar " +
			"jawapan jawapannya lapan epal kedai kek basikal ringgit",
		"min": "nan jo indak dalam ado urang untuak manuruik hak-hak sagalo satiok dek kapado barang",
	},
	{
		"hr": "budući suradnji suradnja čovjek čovjeka razumijevanje svijeta općoj opću opća što tko postavke " +
			"stranica pregled preglednik preglednika poslužitelj poslužitelja račun omogući onemogući izbornik mapa " +
			"mape pohranu pohrana sigurnosna koju kojoj općina ukloni odaberite učitavanje općenito tijekom točka " +
			"točno točan datoteke datoteka datoteku zaporka zaporku uporaba sučelje prije vrijeme riječ riječi djeca " +
			"mjesto gdje uvijek svijet zahtjev vrijednost promijeni izvješće obitelj tijelo opći nitko svatko netko " +
			"uređaj uređaja tvrtka poveznica europe mreža cijena bijeli zatvorite " +
			"tisuća tisuće tjedan tjedna tjedno tjedana mlijeko mlijeka cijenu dijeli " +
			"podijeli podijelimo rješenje kruh dvije",
		"sr": "saradnji saradnja čovek čoveka razumevanje sveta šta ko opšte podešavanja veb sajt sajta pregledač " +
			"pregledača nalog server servera omogućite bezbednost dugme meni izaberite uklonite učitavanje tokom " +
			"tačka tačno tačan lozinka lozinku pre vreme reč reči deca mesto gde uvek svet zahtev vrednost promeni " +
			"izveštaj porodica telo opšti niko svako neko uređaj posle evrope veza deo cena ovde dve datoteka " +
			"datoteke datoteku sledeće primer videti promenite ukoliko obaveštenja mreža " +
			"hiljada mleko mleka cenu deli podeli podelimo rešenje hleb",
		"sl": "in ki so ali pri kot tudi lahko nastavitve strani pravico vsak vsakdo ima biti brez do ne bo ste " +
			"katerega katere katero svojo svoje tega te ter iz zaradi omogoča uporabo če vaše vašega " +
			"torej jih še skupaj teden tedna tednov vsako vsaki znaša štiri sedem osem dvajset jabolk jajc dolarjev",
		"bs": "šta općenito tačka tačno lozinka sigurnost historija historiju sedmica hiljada prije vrijeme riječ " +
			"gdje uvijek zahtjev niko svako neko evrope ko također " +
			"mlijeko mlijeka cijenu dijeli podijeli podijelimo rješenje hljeb dvije",
	},
	{
		"da": "af frihedsrettigheder rettigheder rettighederne samfund hver over jeg hvad hvis efter også meget blev " +
			"nogle mellem være når kun hvilke ikke mig uden selv hvordan ud op noget bruge bruger bliver skal enhver " +
			"frihed siden sproget virksomhed ydelse mens vælge vælg " +
			"køber købe købte købt sælger sælge æg æbler uge uger ugen penge bøger " +
			"mælk drenge piger igen lægger trækker dage",
		"no": "av rettigheter rettighetene menneskerettighetene samfunn straff jeg hva hvis etter også mye ble noen " +
			"mellom være når bare hvilke ikke meg uten selv hvordan ut opp noe bruke bruker blir skal enhver frihet " +
			"siden språket virksomhet ytelse mens velge velg " +
			"kjøper kjøpe kjøpte kjøpt selger selge egg epler uke uker uken penger bøker " +
			"melk gutter jenter igjen legger trekker dager",
		"nn": "av eg kva viss etter òg mykje vart nokre mellom vere når berre ikkje meg utan sjølv korleis ut opp " +
			"noko bruke brukar blir skal einkvar fridom sidan språket eit frå ein dei kan " +
			"kjøper kjøpe kjøpte sel selde egg veke veker veka pengar bøker mjølk gutar jenter igjen legg trekk dagar",
		"sv": "av jag vad om efter också mycket blev några mellan vara när bara inte mig utan själv hur och är ett " +
			"för från " +
			"köper köpa köpte köpt säljer sälja ägg äpplen vecka veckor pengar böcker " +
			"mjölk pojkar flickor igen lägger dagar",
		"fo": "í ið eru hevur ikki tað øll øllum ella rætt",
	},
	{
		"cs": "je se že jsou jako která které který nebo pro aby při pouze může být jste více soubor není také s ze " +
			"příklad prostřednictvím každý svobody",
		"sk": "je sa že sú ako ktorá ktoré ktorý alebo pre aby pri iba môže byť ste viac súbor nie tiež s zo príklad " +
			"prostredníctvom každý slobody",
	},
}

// relatives are languages, most of them not known or not the model's, that the model names by a known one. The words
// are the most common ones, and a text of some length has one of its language.
var relatives = []map[string]string{
	{
		"es": "y el los las una con por del en la su para es puede no se lo al más o un muy hay este",
		"gl": "e o os as unha con por do en a súa para é pode non se ao máis ou un na no da dos das este pola polo " +
			"unhas " +
			"teñen dous dúas catro mazás merca mercou moito moita despois gaña gañou tamén entón",
		"pt": "e o os as uma com por do em a sua para é pode não se ao mais ou um na no da dos das este pela pelo " +
			"você " +
			"tem têm dois quatro maçãs muito muita depois ganha ganhou também então",
		"ast": "y el los les una con por del en la so pa ye puede nun se lo al más o un nes esti tien pola pol yá na " +
			"de'l ta cola col",
		"an":  "y o os as una con por d'o en a suya ta ye puede no se lo a-o más u un d'a d'os d'as iste dreito ista",
		"lad": "i el los las una kon por del en la su para es puede no se lo al mas o un ke kada kualkier",
		"pap": "i e nan un ku pa di na su ta por no mas of tur hende mester",
		"ca":  "i el els les una amb per del en la seva és pot no es lo al més o un aquest dels com a",
		"oc":  "e lo los las una amb per del en la sieu es pòt pas se al mai o un aqueste dels coma a dins",
		"fr":  "et le les des une avec par du en la sa est peut ne se au plus ou un dans ce pour qui",
		"it":  "e il i gli una con per del in la sua è può non si al più o un nella questo della che le di",
	},
	{
		"hi":  "है हैं और के में की को से का यह नहीं पर किसी लिए या एक",
		"bho": "बा बाटे आ के में से होला नइखे ओकर आपन कवनो सभे आउर खातिर जाई",
		"mag": "हई हइ आउ के में से हे होवऽ ओकर अपन कोई सब नयँ लगी जा होतई हय",
		"mai": "अछि छथि आ केँ मे सँ क नहि ओकर अपन कोनो सभ लेल वा जाए एवं छै",
		"mr":  "आहे आणि च्या मध्ये करा हे नाही किंवा हा ही आहेत साठी एक या ते",
		"ne":  "छ छन् र को मा लाई बाट यो छैन गर्नुहोस् तथा वा हो एक हुनेछ",
		"sa":  "अस्ति च वा एव सन्ति इति न भवति सर्वे तत् प्रत्येकं अधिकारः",
	},
	{
		"pl":  "i w z na się że jest nie do lub są przez każdy od o jak po dla oraz może",
		"szl": "i we ze na sie że je niy do abo sōm bez kożdy ôd ô jak po dlŏ ôraz może zaś",
		"hsb": "a w z na so zo je nje do abo su přez kóždy wot wo kaž po za dla móže",
	},
	{
		"nl": "en een het van de is niet die zijn voor wordt met u op dat te of door als ook",
		"af": "en 'n die van nie is wat vir word met jy op dat te of deur as ook het sy",
		"fy": "en in it fan de is net dy binne foar wurdt mei jo op dat te of troch as ek hat",
	},
	{
		"en": "what how do was he she they at which will can the of and to is in that for it with on you are this " +
			"be as by not or from your have",
		"sco": "the o an tae is in that for it wi on ye are this be as bi no or fae yer hae ilka aabodie",
		"pcm": "di of and to na for dat am wit on yu dem dis be as by no abi from yor get dey wey pesin evri",
		"gv":  "yn ny as dy ta ayns shen da eh lesh er shiu t'ad shoh ve myr liorish cha voish dagh ec peiagh",
	},
	{
		"fr":  "et le les des une avec par du en la est dans ou un pour qui que son sa",
		"frp": "et lo los des na avouéc per du en la est dens ou on por que son sa ques",
		"wa":  "et li les des ene avou pa do e l' est dins ou on po ki si k' tchaeke",
		"pcd": "et ch' chés éd eune aveuc pèr in l' est din ou pou qui qu' sin chaque",
		"oc":  "e lo los las una amb per del en la es dins o un que son sa dels coma",
	},
	{
		"it":  "e il i gli una con per del in la è o un nella questo della che le di ogni non",
		"fur": "e il i lis une cun par dal in la al è o un te chest de che di ogni no",
		"co":  "è u i e una cù per di in a hè o un ind' questu chì ogni ùn",
		"rm":  "e il ils las ina cun per dal en la è u in quest da che mintga na",
		"pov": "i na ku pa di si ten o un es ki tudu pekadur dritu",
		"vec": "e el i łe na co par del in ła xe o un inte sto de che ogni no",
		"scn": "e lu li na cu pi dû nti la è o un stu dâ chi di ogni nun",
	},
	{
		"fi":  "ja on ei että tai se ovat sekä joka kun mutta oikeus olla hänen voi kaikki jokaisella",
		"fkv": "ja oon ei ette eli se joka ko mutta oikkeus olla hänen saattaa kaikki",
		"krl": "da on ei jotta libo se ollah joga konza no oigevus olla hänen voit kai jokahizel",
		"et":  "ja on ei et või see ning kes kui aga õigus olla tema võib kõik igal mis",
	},
	{
		"tr":  "ve bir bu için ile da de olarak veya herkes hakkı her olan değil daha",
		"crh": "ve bir bu içün ile da de olaraq ya er kes aqqı olğan degil daa",
		"gag": "hem bir bu için da de olarak osa hepsi hakı her olan diil taa var",
		"azb": "və bir bu üçün ilə da də olaraq ya hər kəs haqqı her olan deyil daha",
	},
	{
		"sw": "jibu ana wana jumla pamoja rafiki ananunua anapata anauza hivyo ngapi mangapi alikuwa siku kwa katika " +
			"juu yangu kwenye wako kifaa hiki vya cha mtu watu ikiwa tafadhali hapa sasa imeshindwa umma zote wote " +
			"zaidi baada kabla ni hii hiyo kuwa yako lakini ambayo au yake kama hakuna sana wewe wake kwamba hili ili " +
			"bila kila pia huu hizi ambao haki yoyote nchi",
		"ln":  "na ya mpe oyo moto nyonso ezali to te kati bato mpo ekoki",
		"ktu": "na ya muntu mpe yina kele ve to yandi bantu nyonso nsuka ti",
		"kg":  "na ya muntu mpe yina kele ve to yandi bantu ti",
		"swb": "na ya mwana-adamu ye hawo kula wo drawo mdru yeka vwa",
		"loz": "ni ya mutu kaufela wa ku ka ki ha lwa kapa kamba",
	},
	{
		"yo": "ní àti ti tí kí ó àwọn fún sí jẹ́ láti kò tó gbogbo ẹni wọn lè ṣe nínú yìí bá mo ìwọ kan náà pẹ̀lú " +
			"gbọ́dọ̀ ẹ̀tọ́ rẹ̀ nì kọ̀ọ̀kan ń ta tàbí nítorí wa ọ̀kọ̀ọ̀kan lọ owó",
		"ig": "na nke ya bụ ndị maka ka nwere ike onye ọ ga n'ime dị mmadụ ikike obula ọbụla",
	},
	{
		"ru": "у них вместе ответ сначала потом больше меньше чем было он она они него сколько назови назовите " +
			"напишите создайте опишите какой какие каковы почему который отличия и в на не что с как или для это если " +
			"может по из от вы все его к за есть быть этот о каждый нет при человек",
		"uk": "і в на не що з як або для це якщо може по із від ви всі його до за є бути цей про кожний немає при " +
			"людина та й у",
		"be": "і ў на не што з як або для гэта калі можа па ад вы усе яго да за ёсць быць гэты пра кожны няма пры " +
			"чалавек мае",
		"bg": "и в на не че с как или за това ако може по от вие всички е да се към бъде този всеки няма при човек " +
			"има",
		"mk": "и во на не дека со како или за тоа ако може по од вие сите е да се кон биде овој секој нема при човек " +
			"има ќе",
		"sr": "и у на не да са како или за то ако може по од ви сви је се ка бити овај свако нема при човек има ће " +
			"што су",
	},
	{
		"ur":  "اور کے کی میں ہے سے کا کو یہ نہیں پر کسی یا ایک ہیں کر",
		"skr": "تے دے دی وچ ہے کنوں دا کوں ایہ نئیں کہیں یا ہک ہن کر تہاݙے",
		"pnb": "تے دے دی وچ اے توں دا نوں ایہہ نئیں کسے یا اک نیں کر",
		"fa":  "و در به از که این را با است برای آن هر یا می",
	},
	{
		"vi": "và của các là có không được cho trong một với này người để bạn những quyền đều hoặc khi",
		"ig": "na nke ya bụ ndị maka ka nwere ike onye ọ ga n'ime dị mmadụ ikike obula ọbụla",
	},
	{
		"ms": "dan yang untuk dengan di dari ini itu tidak adalah atau pada akan dalam anda telah oleh boleh setiap " +
			"ke",
		"id": "dan yang untuk dengan di dari ini itu tidak adalah atau pada akan dalam anda telah oleh bisa setiap ke " +
			"dapat",
		"pmy": "dan yang deng di dari ini itu tra adalah ato pada nanti dalam ko sudah sama bisa tiap ke dong pu " +
			"orang",
		"abs": "dan yang voor deng di dari ini itu seng ada ato pada mau dalam ose su sama bisa tiap ka dong pung " +
			"orang",
		"bjn": "wan nang gasan lawan di matan ini itu kada adalah atawa pada handak dalam pian sudah ulih kawa saban " +
			"ka urang",
	},
	{
		"de": "und der die das ist nicht zu von mit den für auf ein eine es im oder sie werden wie aus sich auch dem " +
			"hat",
		"nds": "un de dat is nich to vun mit den för op een es in oder se warrt as ut sik ok dem hett jeedeen",
		"lb":  "an de déi dat ass net ze vun mat den fir op en eng et am oder si ginn wéi aus sech och dem huet",
	},
}

// words returns the words of a text in lower case.
func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !isLetter(r) && r != '\'' && !unicode.IsDigit(r)
	})
}

// sets makes the words of each language a set.
func sets(families []map[string]string) []map[string]map[string]bool {
	all := make([]map[string]map[string]bool, len(families))
	for i, family := range families {
		all[i] = map[string]map[string]bool{}
		for lang, list := range family {
			all[i][lang] = map[string]bool{}
			for _, word := range strings.Fields(list) {
				all[i][lang][word] = true
			}
		}
	}
	return all
}

var (
	siblingSets  = sets(siblings)
	relativeSets = sets(relatives)
)
