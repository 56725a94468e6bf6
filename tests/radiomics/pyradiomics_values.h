/*
 * pyradiomics_values.h - what PyRadiomics publishes for its own test cases: the tables in data/baseline of
 * github.com/AIM-Harvard/pyradiomics at 8ed5793 (BSD-3), the columns without filters, bins of 25.
 */
#ifndef KIN_TEST_PYRADIOMICS_VALUES_H
#define KIN_TEST_PYRADIOMICS_VALUES_H

enum { BRAIN1, BRAIN2, BREAST1, CASE_COUNT };

typedef struct baseline_value {
    const char *family, *aggregation, *name;
    double value[CASE_COUNT];
} baseline_value;

/* clang-format off */
static const baseline_value baseline_values[] = {
    {"morphology", "", "maximum_3d_diameter", {69.6009903059, 24.4445322363, 9.08101860833}},
    {"morphology", "", "sphericity", {0.480242186182, 0.75130449808, 0.695903713518}},
    {"morphology", "", "minor_axis_length", {34.849701666854706, 13.383589687312323, 5.4115477584202925}},
    {"morphology", "", "elongation", {0.5621171627174109, 0.7407691177548188, 0.6999838102754056}},
    {"morphology", "", "surface_to_volume_ratio", {0.398386088279, 0.535570612898, 1.39322476873}},
    {"morphology", "", "volume_mesh", {16149.4954427, 1736.01786296, 124.091304832}},
    {"morphology", "", "major_axis_length", {61.99722046980879, 18.067153943831187, 7.730961315078334}},
    {"morphology", "", "surface_area", {6433.7343171, 929.760150865, 172.887079476}},
    {"morphology", "", "flatness", {0.46105975346582634, 0.6188162226844603, 0.6842246761542068}},
    {"morphology", "", "least_axis_length", {28.584423185376522, 11.180247958180265, 5.289714502170174}},
    {"morphology", "", "volume_voxels", {16412.658691406243, 1797.180175781249, 132.42579545515324}},
    {"statistics", "", "interquartile_range", {253.0, 97.0, 30.0}},
    {"statistics", "", "skewness", {0.27565085908587594, 0.4386372506317367, 0.04182797313132072}},
    {"intensity_histogram", "", "uniformity", {0.045156963555862184, 0.09596557655853301, 0.38901657782776666}},
    {"statistics", "", "median", {812.0, 375.0, 130.0}},
    {"statistics", "", "energy", {33122817481.0, 2594007770.0, 649499543.0}},
    {"statistics", "", "robust_mean_absolute_deviation", {103.00138343026681, 44.01867695920074, 11.083091863105961}},
    {"statistics", "", "mean_absolute_deviation", {133.44726195252767, 73.55426906227311, 13.93975255513717}},
    {"statistics", "", "maximum", {1266.0, 729.0, 162.0}},
    {"statistics", "", "root_mean_square", {2829.5728210757125, 2392.966039874191, 2131.1862532762934}},
    {"statistics", "", "percentile_90", {1044.4, 532.6, 151.8}},
    {"statistics", "", "minimum", {468.0, 8.0, 102.0}},
    {"intensity_histogram", "", "entropy", {4.601935553903797, 3.820600123055568, 1.4490921348002006}},
    {"statistics", "", "range", {798.0, 721.0, 60.0}},
    {"statistics", "", "variance", {24527.07920837261, 10429.38240525513, 257.35478507506485}},
    {"statistics", "", "percentile_10", {632.0, 305.20000000000005, 110.2}},
    {"statistics", "", "excess_kurtosis", {2.1807729393860265, 4.674716196193526, 1.8044408150083193}},
    {"statistics", "", "mean", {825.2354363065023, 390.7858719646799, 131.12587412587413}},
    {"glcm", "3D averaged", "joint_average", {16.55380772442751, 16.542459664591462, 1.9585401105995826}},
    {"glcm", "3D averaged", "sum_average", {33.107615448855015, 33.08491932918293, 3.917080221199166}},
    {"glcm", "3D averaged", "joint_entropy", {8.799696270248813, 6.813008822502756, 2.772416882497163}},
    {"glcm", "3D averaged", "cluster_shade", {19.60508342728665, 127.13809223840286, -0.01671121180540424}},
    {"glcm", "3D averaged", "joint_maximum", {0.007352392266290182, 0.038987273817449805, 0.29665628002001326}},
    {"glcm", "3D averaged", "inverse_difference_moment_normalised", {0.9614021696232272, 0.9709270908607235, 0.9374959395714519}},
    {"glcm", "3D averaged", "angular_second_moment", {0.0028931492429888645, 0.014694114625681494, 0.17361171785231078}},
    {"glcm", "3D averaged", "contrast", {47.492125114429776, 29.29383905070301, 0.6712186625058774}},
    {"glcm", "3D averaged", "difference_entropy", {3.744060978066421, 3.3390497846557254, 1.1846976792586774}},
    {"glcm", "3D averaged", "inverse_variance", {0.19881884197093197, 0.25338046923906593, 0.4836203009855181}},
    {"glcm", "3D averaged", "difference_variance", {16.655637050270975, 11.757829127963504, 0.32725642574315206}},
    {"glcm", "3D averaged", "inverse_difference_normalised", {0.8726052157397166, 0.8920419265947748, 0.862211072216788}},
    {"glcm", "3D averaged", "inverse_difference_moment", {0.200222556404757, 0.2617784883351051, 0.7244221444335762}},
    {"glcm", "3D averaged", "correlation", {0.39175220066966604, 0.2105277382606347, 0.2649029994159988}},
    {"glcm", "3D averaged", "autocorrelation", {289.543699401726, 276.9390375378519, 3.966337959349966}},
    {"glcm", "3D averaged", "sum_entropy", {5.354241321485615, 4.384121367195154, 2.0621987981343954}},
    {"glcm", "3D averaged", "joint_variance", {39.05587959224221, 17.902822778749666, 0.4602078477978584}},
    {"glcm", "3D averaged", "cluster_prominence", {27995.937591943148, 7743.448102798923, 3.2994515259044612}},
    {"glcm", "3D averaged", "information_correlation_2", {0.6942249020670357, 0.9181282629638908, 0.4199223123375776}},
    {"glcm", "3D averaged", "information_correlation_1", {-0.09438938808738298, -0.24103152104321077, -0.08733050328813872}},
    {"glcm", "3D averaged", "difference_average", {5.284468789866318, 3.98267295956064, 0.5711662030283523}},
    {"glcm", "3D averaged", "inverse_difference", {0.28722572382985145, 0.3458879164268783, 0.7310923083987446}},
    {"glcm", "3D averaged", "cluster_tendency", {108.73139325453904, 42.31745206429567, 1.1696127286855562}},
    {"glrlm", "3D averaged", "short_run_low_grey_level_emphasis", {0.008229766244155428, 0.0073222575251349, 0.46357678309007955}},
    {"glrlm", "3D averaged", "grey_level_variance", {39.11815102197925, 17.628601560571752, 0.49074379307592125}},
    {"glrlm", "3D averaged", "low_grey_level_run_emphasis", {0.008600397891661503, 0.007606402393319139, 0.5538046292958577}},
    {"glrlm", "3D averaged", "grey_level_non_uniformity_normalised", {0.04514123814981055, 0.0919964760550404, 0.38835850641589403}},
    {"glrlm", "3D averaged", "run_length_variance", {0.08479457789590625, 0.1503662075285962, 0.6632564055207943}},
    {"glrlm", "3D averaged", "grey_level_non_uniformity", {175.6351923150419, 38.4475791133819, 40.7864542583546}},
    {"glrlm", "3D averaged", "long_runs_emphasis", {1.2268440382584342, 1.37117405444786, 2.847472964887772}},
    {"glrlm", "3D averaged", "short_run_high_grey_level_emphasis", {268.97417984113076, 266.8619287697709, 2.5526507882555447}},
    {"glrlm", "3D averaged", "run_length_non_uniformity", {3500.0432315746298, 365.0749453470162, 65.4722188360389}},
    {"glrlm", "3D averaged", "short_runs_emphasis", {0.9559391731405504, 0.9406569413053878, 0.783377717977769}},
    {"glrlm", "3D averaged", "long_run_high_grey_level_emphasis", {341.2865790983503, 369.81991828393836, 10.561165915290028}},
    {"glrlm", "3D averaged", "run_percentage", {0.9404064632491029, 0.9181524876889114, 0.738031199569661}},
    {"glrlm", "3D averaged", "long_run_low_grey_level_emphasis", {0.010601170478748763, 0.009392897201128767, 1.3863094937410545}},
    {"glrlm", "3D averaged", "run_entropy", {4.915038003159503, 4.209760406206384, 2.428993490104397}},
    {"glrlm", "3D averaged", "high_grey_level_run_emphasis", {281.06649390897206, 281.65691437161036, 3.4225437293477423}},
    {"glrlm", "3D averaged", "run_length_non_uniformity_normalised", {0.8950494659480996, 0.8663631725348969, 0.5908466884847002}},
    {"glszm", "3D", "grey_level_variance", {40.60313992393263, 27.850427189581843, 0.64}},
    {"glszm", "3D", "zone_size_variance", {8.721239097486347, 27.644472881930067, 454.64}},
    {"glszm", "3D", "grey_level_non_uniformity_normalised", {0.044057307901283996, 0.05912906018291995, 0.44}},
    {"glszm", "3D", "zone_size_non_uniformity_normalised", {0.3997843804512568, 0.4244420188942, 0.2}},
    {"glszm", "3D", "zone_size_non_uniformity", {747.5967914438503, 69.1840490797546, 1.0}},
    {"glszm", "3D", "grey_level_non_uniformity", {82.38716577540107, 9.63803680981595, 2.2}},
    {"glszm", "3D", "large_zone_emphasis", {13.615508021390374, 35.3680981595092, 1272.6}},
    {"glszm", "3D", "small_zone_high_grey_level_emphasis", {193.438051925864, 218.87922881968453, 0.05486014011949099}},
    {"glszm", "3D", "zone_percentage", {0.4520183708000967, 0.3598233995584989, 0.03496503496503497}},
    {"glszm", "3D", "large_zone_low_grey_level_emphasis", {0.12723841553344326, 0.1846593516154854, 520.85}},
    {"glszm", "3D", "large_zone_high_grey_level_emphasis", {3514.7614973262034, 7639.0245398773, 4671.6}},
    {"glszm", "3D", "high_grey_level_zone_emphasis", {288.6235294117647, 319.9877300613497, 3.2}},
    {"glszm", "3D", "small_zone_emphasis", {0.6564478999587141, 0.6770632920785222, 0.051098362147739426}},
    {"glszm", "3D", "low_grey_level_zone_emphasis", {0.009100942027706215, 0.011743556352087885, 0.6722222222222223}},
    {"glszm", "3D", "zone_size_entropy", {6.50821498619819, 5.671105706980072, 2.321928094887361}},
    {"glszm", "3D", "small_zone_low_grey_level_emphasis", {0.006416982055097711, 0.009883953613125893, 0.05066182292061157}},
    {"ngtdm", "3D", "coarseness", {0.001712035271356631, 0.01286160865655888, 0.05082115496541082}},
    {"ngtdm", "3D", "complexity", {1439.5127782445836, 762.1820725633115, 1.1746865025008222}},
    {"ngtdm", "3D", "strength", {0.6307314827348611, 3.9663129914847497, 0.12459116813839596}},
    {"ngtdm", "3D", "contrast", {0.24786529128414, 0.12183675779998118, 0.06387767877695037}},
    {"ngtdm", "3D", "busyness", {1.4467306835644076, 0.15164513751048295, 8.904395145636023}},
    {"ngldm", "3D", "grey_level_variance", {39.19271419906397, 16.831308568337644, 0.4749376497628246}},
    {"ngldm", "3D", "high_grey_level_count_emphasis", {280.4065748126662, 278.15673289183223, 3.5804195804195804}},
    {"ngldm", "3D", "dependence_count_entropy", {6.885019899269458, 6.027854291423979, 4.661728196602649}},
    {"ngldm", "3D", "dependence_count_non_uniformity", {936.6601401982113, 77.86092715231788, 13.251748251748252}},
    {"ngldm", "3D", "grey_level_non_uniformity", {186.8143582306019, 43.47240618101545, 55.62937062937063}},
    {"ngldm", "3D", "low_dependence_emphasis", {0.37960167130711403, 0.3143642190135804, 0.03121098627290894}},
    {"ngldm", "3D", "low_dependence_high_grey_level_emphasis", {110.30563945728201, 98.73745327196367, 0.08194786618439001}},
    {"ngldm", "3D", "dependence_count_non_uniformity_normalised", {0.22641047623838803, 0.1718784263848077, 0.09266956819404372}},
    {"ngldm", "3D", "high_dependence_emphasis", {8.661590524534686, 12.938189845474614, 72.06293706293707}},
    {"ngldm", "3D", "high_dependence_low_grey_level_emphasis", {0.07650590736710827, 0.06477163542005925, 27.0475912975913}},
    {"ngldm", "3D", "dependence_count_variance", {2.1619872286911965, 3.153584881754699, 11.04826641889579}},
    {"ngldm", "3D", "high_dependence_high_grey_level_emphasis", {2335.0519700265895, 3072.9955849889625, 295.9160839160839}},
    {"ngldm", "3D", "low_dependence_low_grey_level_emphasis", {0.0035453562622343696, 0.003919611286864095, 0.022342990461955925}},
    {"ngldm", "3D", "low_grey_level_count_emphasis", {0.00860027409479837, 0.007352909129511827, 0.518065268065268}},
    {"shape_2d", "largest slice", "mesh_surface", {600.28076171875, 138.244628906, 35.9397346973}},
    {"shape_2d", "largest slice", "pixel_surface", {600.5859374999998, 138.54980468749994, 36.160223867208}},
    {"shape_2d", "largest slice", "perimeter", {101.0913825153671, 48.0908978016, 23.6116203532}},
    {"shape_2d", "largest slice", "perimeter_surface_ratio", {0.16840683387206656, 0.347868110191, 0.656978148339}},
    {"shape_2d", "largest slice", "sphericity", {0.8591480496460207, 0.8666947794872987, 0.9000498705600878}},
    {"shape_2d", "largest slice", "maximum_diameter", {35.579054802299055, 16.3129789202, 8.39979371027}},
    {"shape_2d", "largest slice", "major_axis_length", {33.85279086841539, 16.570640783628463, 8.259750107622313}},
    {"shape_2d", "largest slice", "minor_axis_length", {23.785948973581707, 10.963260379640587, 5.729800201543435}},
    {"shape_2d", "largest slice", "elongation", {0.7026288930220511, 0.6616075094978898, 0.6937013985757058}},
};

/* Shapes only: the images of these are not among the test data. */
enum { LUNG1, LUNG2, LUNG_COUNT };
static const struct lung_value {
    const char *name;
    double value[LUNG_COUNT];
} lung_values[] = {
    {"maximum_3d_diameter", {21.3449467202, 68.9824710303}},
    {"sphericity", {0.748037658194, 0.672409930059}},
    {"minor_axis_length", {12.488622781409092, 41.45975188669023}},
    {"elongation", {0.7187910312752432, 0.7433464635239126}},
    {"surface_to_volume_ratio", {0.587720147764, 0.197495275935}},
    {"volume_mesh", {1330.97607931, 48292.5216046}},
    {"major_axis_length", {17.374483317150464, 55.77446577218634}},
    {"surface_area", {782.241457999, 9537.54487991}},
    {"flatness", {0.5143357681770733, 0.569289235382734}},
    {"least_axis_length", {8.93631822360633, 31.75180297332843}},
    {"volume_voxels", {1361.1978149414062, 48434.108762463955}},
};
/* clang-format on */
enum {
    BASELINE_COUNT = sizeof baseline_values / sizeof baseline_values[0],
    LUNG_VALUE_COUNT = sizeof lung_values / sizeof lung_values[0]
};

#endif
