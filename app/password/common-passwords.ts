/** Common passwords that are long enough to be allowed: collected by hand, in lower case. */
export const commonPasswords = new Set(
  `
000000000000000, 0123456789abcdef, 111111111111111, 112233445566778899, 123123123123123, 123321123321123,
123456789012345, 1234567890123456, 1234567890abcdef, 1234567890qwerty, 123456789abcdef, 123456789abcdefg,
123456789qwerty, 1234qwerasdfzxcv, 147258369147258, 1q2w3e4r5t6y7u8i, 1q2w3e4r5t6y7u8i9o, 1q2w3e4r5t6y7u8i9o0p,
1qaz2wsx3edc4rfv, 9876543210987654, 987654321987654, a1b2c3d4e5f6g7h8, a1b2c3d4e5f6g7h8i9, abc123abc123abc,
abcd1234abcd1234, abcdefghijklmnop, adminadminadmin12, administrator123, administrator1234, administratoradmin,
alexanderalexander, asdfghjklqwertyuiop, autumn2025autumn, baseballbaseball1, basketballbasketball,
batmanbatman1234, blessedandhighlyfavored, butterflybutterfly, changeme123456789, changemechangeme,
changemeplease123, christopher12345, computercomputer1, contraseña123456, correcthorsebatterystaple,
defaultpassword1, donttellanyone12, dragondragondragon, elizabethelizabeth, footballfootball1,
forgetmypassword, forgotmypassword, fuckyoufuckyou123, godisgoodallthetime, godisgreat123456, happybirthday123,
happybirthdaytoyou, harrypotterharrypotter, hellohellohello12, helloworld123456, helloworldhelloworld,
idontknowmypassword, iforgotmypassword, ilovejesuschrist, ilovemychildren, ilovemyfamily123, ilovemyhusband12,
ilovemypassword, iloveyou123456789, iloveyoubaby1234, iloveyouforever, iloveyouiloveyou, iloveyousomuch12,
iloveyouverymuch, internetinternet1, jesuschristislord, jesuslovesme1234, letmeinletmein123,
letmeinletmeinletmein, letmeinplease123, livelaughlove1234, liverpoolfootballclub, manchesterunited,
manchesterunited1, manchesterunited7, may the force be with you, maytheforcebewithyou, maytheforcebewithyou1,
merrychristmas123, minecraftminecraft, monkeymonkeymonkey1, motdepasse123456, motherfucker12345,
mypasswordispassword, newpassword12345, nopasswordneeded, opensesameopensesame, p@ssw0rdp@ssw0rd,
passw0rdpassw0rd, password12345678, password123456789, password1password1, passwordpassword, passwordpassword1,
passwort123456789, pleaseletmeinnow, pokemonpokemon12, princessprincess1, q1w2e3r4t5y6u7i8o9,
q1w2e3r4t5y6u7i8o9p0, qazwsxedcrfvtgb, qazwsxedcrfvtgbyhnujm, qwerasdfzxcv1234, qwerty123456789,
qwerty1234567890, qwertyuiop12345, qwertyuiop123456789, qwertyuiopasdfgh, realmadridcf12345,
rememberthispassword, rootrootrootroot1, secretsecretsecret, senha1234567890, spiderman123456789,
spring2024spring, starwarsstarwars1, summer2024summer, summer2025summer, sunshinesunshine1, superman123456789,
supersecret123456, supersecretpassword, temporarypassword, temppassword1234, test1234test1234,
testpassword12345, testtesttesttest, the quick brown fox, thequickbrownfox, thequickbrownfoxjumps,
thequickbrownfoxjumpsoverthelazydog, thereisnopassword, thisisapassword, thisismypassword,
thisismysecretpassword, thisisnotmypassword, to be or not to be, tobeornottobe123,
tobeornottobethatisthequestion, trustnooneever123, welcome123456789, welcomewelcome123, whatthefuck12345,
winter2024winter, youllneverwalkalone, zaq12wsxcde34rfv, zxcvbnmasdfghjkl
`
    .trim()
    .split(/,\s/),
);
