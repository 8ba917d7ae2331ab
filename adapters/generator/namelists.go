package generator

// locale is a way to be called: given and family names of one language, and how they are
// put together. The lists are ours, of names that many people have; what comes out is
// nobody. There are names of one letter and of forty, hyphens, three kinds of apostrophe,
// both directions of writing, joiners, combining marks, letters outside the basic plane.
type locale struct {
	familyFirst bool
	join        string // between the names
	given       []string
	family      []string
}

// locales lists twelve given and twelve family names in each language.
func locales() []locale {
	return []locale{
		{ // Filipino
			join:   " ",
			given:  []string{"Maria", "Jose", "Angelo", "Rosario", "Jun", "Ligaya", "Bayani", "Divina", "Crisanto", "Tala", "Reynaldo", "Luz"},
			family: []string{"dela Cruz", "Santos", "Reyes", "Bautista", "Magsaysay", "Dimaculangan", "Ilagan", "Catacutan", "de los Santos", "Macapagal", "Panganiban", "Ng"},
		},
		{ // English
			join:   " ",
			given:  []string{"Ada", "Bo", "Colm", "Dawn", "Earl", "Faye", "Guy", "Hope", "Ian", "Joy", "Kit", "Lou"},
			family: []string{"O'Neil", "Smith-Jones", "Featherstonehaugh", "Ng", "Fitzgerald-Whitcombe", "D’Arcy", "Ash", "Cholmondeley", "Lee", "Nye", "Wu", "St. John"},
		},
		{ // Spanish
			join:   " ",
			given:  []string{"José", "María", "Íñigo", "Begoña", "Ángel", "Nuria", "Jesús", "Concepción", "Óscar", "Lucía", "Raúl", "Inés"},
			family: []string{"García Núñez", "de la Fuente y Gómez-Acebo", "Muñoz", "Ibáñez", "Peña", "Ruiz-Gallardón", "Echevarría", "Yáñez", "Ortuño", "López", "Zúñiga", "del Río"},
		},
		{ // Portuguese
			join:   " ",
			given:  []string{"João", "Conceição", "Gonçalo", "Inês", "Luís", "Antônia", "Tomé", "Fátima", "Sérgio", "Graça", "Mônica", "Brás"},
			family: []string{"da Conceição", "dos Santos e Silva", "Magalhães", "Simões", "de Albuquerque Coelho", "Araújo", "Brandão", "Guimarães", "Lourenço", "Falcão", "Sá", "d'Orey"},
		},
		{ // French
			join:   " ",
			given:  []string{"Zoë", "Loïc", "Anaïs", "François", "Hélène", "Jean-Luc", "Maëlle", "Noël", "Cécile", "Aimé", "Éloïse", "Rémi"},
			family: []string{"L'Hôpital", "d’Aubigné", "Lefèbvre", "de La Rochebrune", "Gaël", "Brûlé", "Œuvrard", "Saint-Éxupère", "Guérin", "Haüy", "Ÿs", "Maître"},
		},
		{ // German
			join:   " ",
			given:  []string{"Jürgen", "Käthe", "Björn", "Jörg", "Götz", "Änne", "Heidi", "Özge", "Lütte", "Anneliese", "Karl-Heinz", "Uwe"},
			family: []string{"Müller-Lüdenscheidt", "Groß", "von und zu Guttenstein", "Schäfer", "Weiß", "Königsberger", "Strauß", "Öz", "Kühn", "Bäßler", "Vogt", "Freiherr von Ömler"},
		},
		{ // Polish
			join:   " ",
			given:  []string{"Wojciech", "Łucja", "Świętosław", "Żaneta", "Bożena", "Stanisław", "Grażyna", "Jędrzej", "Zdzisława", "Paweł", "Mścisław", "Ewa"},
			family: []string{"Szczęśniak", "Brzęczyszczykiewicz", "Wójcik", "Żółć", "Kościelniak", "Dąbrowska-Źdźbło", "Nowak", "Łątka", "Świerczewska", "Ożóg", "Kłos", "Ęcki"},
		},
		{ // Czech
			join:   " ",
			given:  []string{"Jiří", "Zdeňka", "Řehoř", "Božena", "Ondřej", "Květa", "Vítězslav", "Šárka", "Tomáš", "Ludmila", "Čeněk", "Žofie"},
			family: []string{"Dvořák", "Přibyl", "Ďuriš", "Novotná", "Třešňák", "Šťastná", "Růžička", "Kříž", "Ňouma", "Hůlka", "Černý", "Vlček"},
		},
		{ // Turkish
			join:   " ",
			given:  []string{"İbrahim", "Işıl", "Çağla", "Ömer", "Şükrü", "Gülşen", "Gazi", "Iraz", "Ünal", "Ayşe", "Yiğit", "Oğuz"},
			family: []string{"Yıldırım", "İnönü-Işık", "Çelik", "Şahin", "Güneş", "Öztürkoğlu", "Kılıç", "Ağaoğlu", "Özçelik", "Taş", "Uğurlu", "Iğdır"},
		},
		{ // Vietnamese
			familyFirst: true,
			join:        " ",
			given:       []string{"Phúc", "Hương", "Dũng", "Ngọc", "Quỳnh", "Tuấn", "Thảo", "Đức", "Yến", "Bảo", "Hạnh", "Vĩnh"},
			family:      []string{"Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Đặng", "Võ", "Bùi", "Đỗ", "Hồ", "Ngô", "Lý"},
		},
		{ // Hungarian
			familyFirst: true,
			join:        " ",
			given:       []string{"Ödön", "Győző", "Árpád", "Erzsébet", "Örs", "Ilona", "Ügyes", "Béla", "Zsófia", "Kálmán", "Tünde", "Jenő"},
			family:      []string{"Nagy", "Kovácsné Őri", "Szőllősy", "Tóth", "Fűzfa", "Vörös", "Gyöngyössy", "Hős", "Cserháti", "Ür", "Zsíros", "Pethő"},
		},
		{ // Icelandic
			join:   " ",
			given:  []string{"Þórdís", "Ægir", "Guðrún", "Óðinn", "Sæunn", "Björk", "Ásgeir", "Hrafnhildur", "Úlfur", "Eydís", "Þór", "Ýr"},
			family: []string{"Sigurðardóttir", "Þorvaldsson", "Guðmundsdóttir", "Ægisson", "Jökulsdóttir", "Björnsson", "Óskarsdóttir", "Aðalsteinsson", "Hrafnsdóttir", "Ísaksson", "Úlfarsdóttir", "Ýmisson"},
		},
		{ // Hawaiian
			join:   " ",
			given:  []string{"Keʻala", "Kaʻiulani", "Lokelani", "Nāinoa", "Pualani", "ʻĀina", "Makoa", "Leilani", "Hōkū", "Kealoha", "ʻIolana", "Noe"},
			family: []string{"Kealiʻinohomoku", "Kahalewaipuʻilanikealohamakamaeokaʻāina", "Kahanamoku", "ʻŌpūnui", "Kaʻahumanu", "Nākoa", "Lāʻau", "Kamehaʻo", "Pukuʻi", "Hoʻomalu", "Māhoe", "Ī"},
		},
		{ // Russian
			join:   " ",
			given:  []string{"Алёна", "Пётр", "Игорь", "Любовь", "Фёдор", "Ульяна", "Юрий", "Яна", "Семён", "Раиса", "Эдуард", "Жанна"},
			family: []string{"Щербаков", "Ёлкина", "Преображенский-Лугов", "Жукова", "Объездов", "Шишкина", "Цой", "Ильиных", "Мышкин", "Фет", "Черных", "Юй"},
		},
		{ // Ukrainian
			join:   " ",
			given:  []string{"Ігор", "Любомир", "Єва", "Соломія", "Богдан", "Мар’яна", "Тарас", "Лук'ян", "Оксана", "Юхим", "Ївга", "Остап"},
			family: []string{"Шевченко-Грабовська", "Ґудзь", "Єфименко", "Їжакевич", "В’юн", "Нечуй-Левицька", "Цап", "Підіпригора", "Щур", "Загір’я", "Кіт", "Юшко"},
		},
		{ // Bulgarian
			join:   " ",
			given:  []string{"Ася", "Кръстьо", "Цветана", "Йордан", "Щерьо", "Юлия", "Гълъб", "Жечо", "Лъчезар", "Невена", "Яворка", "Ний"},
			family: []string{"Ъгълов", "Стоянова", "Първанов", "Жабленска", "Хаджийски", "Цонева", "Юруков", "Щърбанова", "Кръстев", "Йовкова", "Вълчев", "Дим"},
		},
		{ // Greek
			join:   " ",
			given:  []string{"Ελένη", "Γιώργος", "Άννα", "Σπύρος", "Ηώ", "Δέσποινα", "Ορέστης", "Ζωή", "Θεόφιλος", "Ίρις", "Νίκος", "Ωραιοζήλη"},
			family: []string{"Παπαδόπουλος", "Χατζηγεωργίου", "Παπακωνσταντινοπούλου", "Νάννος", "Ξένου", "Ψαρράς", "Μαΐστρου", "Λω", "Οικονόμου", "Βλαστός", "Ζαΐμη", "Ρήγας"},
		},
		{ // Armenian
			join:   " ",
			given:  []string{"Արամ", "Անահիտ", "Վարդան", "Նարե", "Տիգրան", "Լուսինե", "Հայկ", "Շուշան", "Գեղամ", "Մանե", "Սոս", "Էլեն"},
			family: []string{"Պետրոսյան", "Տեր-Ղազարյան", "Հակոբյան", "Մկրտչյան", "Ղուկասյան", "Աճեմյան", "Տեր-Պետրոսյան", "Օհանյան", "Ջուղայան", "Քոչար", "Ռշտունի", "Եղոյան"},
		},
		{ // Georgian
			join:   " ",
			given:  []string{"ნინო", "გიორგი", "თამარ", "ლევან", "ქეთევან", "ვახტანგ", "მზია", "ზაზა", "ეკა", "ილია", "ციცინო", "ია"},
			family: []string{"ჯაფარიძე", "წერეთელი", "ყიფშიძე", "ჭავჭავაძე", "ღვინიაშვილი", "ბერიძე", "მჭედლიშვილი", "ძიძიგური", "ქავთარაძე", "ჩხეიძე", "ჟვანია", "ხუ"},
		},
		{ // Arabic
			join:   " ",
			given:  []string{"محمد", "فاطمة", "نور", "يوسف", "خديجة", "زيد", "مريم", "سلمى", "إبراهيم", "آمنة", "علي", "هدى"},
			family: []string{"الخطيب", "بن عبد السلام", "أبو زيد", "الأنصاري", "حدّاد", "المغربي", "آل سعيد", "القاسم", "رضا", "الزهراني", "بدر", "ملا"},
		},
		{ // Hebrew
			join:   " ",
			given:  []string{"נועה", "יצחק", "שרה", "דוד", "תמר", "אורי", "מרים", "חיים", "יעל", "אליעזר", "בת־שבע", "רן"},
			family: []string{"בן־דוד", "לוי", "כהן־צדק", "אבו־חצירא", "פרץ", "שפירא", "מזרחי", "ז׳בוטין", "צור", "גולדשטיין", "הר", "ביטון"},
		},
		{ // Persian
			join:   " ",
			given:  []string{"پریسا", "گلناز", "ژاله", "کیان", "چنگیز", "نیلوفر", "آرش", "مهسا", "بهرام", "یاسمن", "سیاوش", "می\u200cگل"},
			family: []string{"حسین\u200cزاده", "گل\u200cمحمدی", "پورابراهیم", "ژیان", "چاووشی", "کریمی", "یزدانی", "آقایی", "نژادفلاح", "رستم\u200cپور", "قاضی", "مه"},
		},
		{ // Urdu
			join:   " ",
			given:  []string{"عائشہ", "حمزہ", "ٹیپو", "بینش", "زہرہ", "گوہر", "ہمایوں", "ثنا", "کنول", "نازیہ", "شاہد", "ماہ"},
			family: []string{"چوہدری", "بھٹی", "قریشی", "ڈار", "راجپوت", "خان", "گیلانی", "ٹوانہ", "شیخ", "میاں", "جتوئی", "بٹ"},
		},
		{ // Hindi
			join:   " ",
			given:  []string{"आरव", "प्रिया", "कृष्णा", "ऋतु", "श्याम", "ज्योति", "विक्रम", "लक्ष्मी", "ईशान", "मीरा", "ओम्", "तृप्ति"},
			family: []string{"शर्मा", "त्रिपाठी", "श्रीवास्तव", "द्विवेदी", "ठाकुर", "मिश्रा", "चतुर्वेदी", "वर्मा", "कृष्णमूर्ति", "झा", "अग्रवाल", "सिंह"},
		},
		{ // Bengali
			join:   " ",
			given:  []string{"অনন্যা", "সৌরভ", "ঋতুপর্ণা", "কৃষ্ণ", "মৌসুমী", "ইন্দ্রজিৎ", "তৃষা", "শুভ্র", "জ্যোৎস্না", "রবি", "ঈশিতা", "উৎস"},
			family: []string{"বন্দ্যোপাধ্যায়", "চট্টোপাধ্যায়", "রহমান", "দত্ত", "ঘোষ", "মুখোপাধ্যায়", "হক", "সেন", "ভট্টাচার্য", "খাঁ", "দাশগুপ্ত", "দে"},
		},
		{ // Tamil
			join:   " ",
			given:  []string{"கார்த்திக்", "மீனாட்சி", "ஸ்ரீதர்", "கயல்விழி", "முருகன்", "லட்சுமி", "தமிழ்ச்செல்வி", "அன்பு", "யாழினி", "ரவி", "பூங்கொடி", "ஔவை"},
			family: []string{"கிருஷ்ணமூர்த்தி", "சுப்பிரமணியன்", "இராமச்சந்திரன்", "வேலு", "பழனிசாமி", "நடராஜன்", "ஐயர்", "செல்வம்", "ஞானசம்பந்தன்", "பிள்ளை", "தங்கவேல்", "கோ"},
		},
		{ // Sinhala
			join:   " ",
			given:  []string{"නිමල්", "කුමාරි", "සුනිල්", "චන්ද්\u200dරිකා", "රුවන්", "දිල්ෂානි", "ප්\u200dරසාද්", "මාලනී", "උදය", "අනුෂා", "ශ්\u200dරියා", "ජෝ"},
			family: []string{"විජේසිංහ", "වර්ණකුලසූරිය පටබැඳිගේ", "ද සිල්වා", "රත්නායක", "බණ්ඩාර", "කුලරත්න", "ප්\u200dරනාන්දු", "දිසානායක", "හේරත්", "ගුණවර්ධන", "පෙරේරා", "ඈ"},
		},
		{ // Thai
			join:   " ",
			given:  []string{"สมชาย", "พิมพ์ชนก", "ณัฐวุฒิ", "กัญญารัตน์", "ธนพล", "อรุณี", "ศักดิ์สิทธิ์", "ปิยะ", "น้ำผึ้ง", "วิไล", "เอก", "โอ๋"},
			family: []string{"วงศ์สุวรรณ", "ศรีสุขสมบูรณ์วัฒนา", "เจริญกิจไพศาล", "ณ อยุธยา", "แซ่ลิ้ม", "ทองดี", "รุ่งเรืองศักดิ์", "อินทร์แก้ว", "พงษ์พานิช", "ชูใจ", "บุญมา", "สุข"},
		},
		{ // Khmer
			familyFirst: true,
			join:        " ",
			given:       []string{"សុភា", "វិចិត្រ", "ចន្ថា", "រតនា", "ស្រីនាង", "បូរី", "មករា", "ណារិន", "ពិសិដ្ឋ", "ធារ៉ា", "ស្រស់", "អ៊ុំ"},
			family:      []string{"សុខ", "ចាន់", "កែវ", "ហេង", "ឈឹម", "លី", "ម៉ៅ", "នួន", "ទេព", "យឹម", "អ៊ូ", "ជា"},
		},
		{ // Burmese
			join:   " ",
			given:  []string{"အောင်", "ဦး", "သီတာ", "မြင့်", "စန္ဒာ", "ကျော်", "နှင်း", "ဇော်", "ခင်", "ဖြူ", "ထွန်း", "ဪ"},
			family: []string{"မောင်", "ထွန်း", "စိုး", "လှိုင်", "ဝင်းဦး", "မြတ်", "ခိုင်", "ဇင်", "နိုင်", "ရွှေ", "ညွန့်", "ဦး"},
		},
		{ // Lao
			join:   " ",
			given:  []string{"ສົມສັກ", "ວຽງຄຳ", "ບຸນມີ", "ຈັນທະລາ", "ສຸລິຍາ", "ພອນ", "ແສງ", "ມະນີວັນ", "ຄຳ", "ນ້ອຍ", "ທອງ", "ໂອ"},
			family: []string{"ວົງສາ", "ພົມມະຈັນ", "ສີສຸພັນ", "ແກ້ວມະນີ", "ຫຼວງລາດ", "ອິນທະວົງ", "ຈຸນລະມະນີ", "ໄຊຍະລາດ", "ສຸກ", "ຜິວ", "ດວງ", "ບຸນ"},
		},
		{ // Amharic
			join:   " ",
			given:  []string{"አበበ", "ሰላም", "ታደሰ", "ማርታ", "ኃይሌ", "ብርሃን", "ዮሐንስ", "ጽጌ", "ፀሐይ", "እመቤት", "ጌታ", "ሀ"},
			family: []string{"ገብረመድኅን", "ወልደማርያም", "ተስፋዬ", "መንግሥቱ", "ኃይለሚካኤል", "በቀለ", "ደስታ", "ጸጋዬ", "ዓለሙ", "እሸቱ", "ከበደ", "ሞገስ"},
		},
		{ // Japanese
			familyFirst: true,
			join:        " ",
			given:       []string{"真央", "翔", "さくら", "健太郎", "ひなた", "樹", "陽菜", "蓮", "ユウ", "葵", "一", "凛"},
			family:      []string{"佐藤", "𠮷野", "勅使河原", "渡邉", "髙橋", "五十嵐", "小鳥遊", "林", "伊集院", "榊", "東海林", "辻\U000e0100"},
		},
		{ // Chinese
			familyFirst: true,
			join:        "",
			given:       []string{"伟", "秀英", "子轩", "欣怡", "敏", "志强", "梓涵", "丽", "一", "浩然", "雪", "建国"},
			family:      []string{"王", "李", "欧阳", "司马", "诸葛", "张", "刘", "陈", "龘", "赵", "上官", "𠮷"},
		},
		{ // Korean
			familyFirst: true,
			join:        "",
			given:       []string{"민준", "서연", "지우", "하은", "도윤", "예진", "현우", "수빈", "별", "준서", "빛나", "오"},
			family:      []string{"김", "이", "박", "남궁", "황보", "최", "선우", "제갈", "오", "윤", "피", "독고"},
		},
		{ // Mongolian
			familyFirst: true,
			join:        " ",
			given:       []string{"Бат", "Өнөрцэцэг", "Энхтуяа", "Ганбаатар", "Үржин", "Сарнай", "Номин", "Төмөр", "Оюун", "Хүслэн", "Ану", "Од"},
			family:      []string{"Батбаярын", "Дорж-Очирын", "Цэндсүрэнгийн", "Өлзийн", "Лхагвасүрэнгийн", "Пүрэвийн", "Ж.", "Нямын", "Гомбын", "Эрдэнийн", "Мөнхийн", "Ц."},
		},
		{ // letters with their marks apart
			join:   " ",
			given:  []string{"Zoe\u0308", "A\u030asa", "Jose\u0301", "Rene\u0301e", "Lu\u0301cia", "O\u0308rjan", "Nin\u0303a", "C\u0327etin", "S\u030cima", "E\u0301va", "I\u0307pek", "O"},
			family: []string{"A\u030angstro\u0308m", "Mu\u0308ller", "Nun\u0303ez", "Franc\u0327ois", "Dvor\u030ca\u0301k", "Nguye\u0302\u0303n", "S\u0327ahin", "Wo\u0301jcik", "Be\u0301la", "Hu\u030alka", "O\u0308", "E\u0301"},
		},
	}
}
